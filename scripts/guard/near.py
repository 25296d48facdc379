"""Which of our own training texts are too much like a row of the corpora.

    python3 scripts/guard/near.py CORPORA [--own N]

A text is near a row when one of these holds, letters in lower case and nothing but letters and digits kept:

- they share as many runs of five words as are a third of the runs of the shorter one;
- one has fewer than five words, and they are equal;
- the cosine of their runs of four letters, rare runs weighing more, is 0.6 or above.

`train.py` never learns from a text of our own that is near a row, so that a held-out source is judged by a model that saw
nothing like its rows. What is printed here is how many that are, and which templates bring them forth: one of which a tenth of
what it draws is near a row speaks for that row and not for a way of asking, and fails this check (exit 1). No row is printed.
"""

import argparse
import collections
import re
import sys

import numpy as np
from scipy.sparse import csr_matrix, diags
from sklearn.feature_extraction.text import CountVectorizer

RUN_WORDS = 5
RUN_SHARE = 1 / 3
RUN_LETTERS = 4
COSINE = 0.6
# Of a long row only so much is compared.
TEXT_MAX = 6000
# A template may bring forth so many that are near a row: commonplaces that no list of words can avoid.
TEMPLATE_SHARE = 0.1
# Templates drawn from less often than this say nothing.
DRAWN_MIN = 8
AT_ONCE = 500


def plain(text):
    return " ".join(re.findall(r"\w+", text[:TEXT_MAX].lower()))


def word_runs(text):
    words = text.split()
    if len(words) < RUN_WORDS:
        return [" ".join(words)]
    return [" ".join(words[at : at + RUN_WORDS]) for at in range(len(words) - RUN_WORDS + 1)]


def shares_runs(texts, rows):
    """For each text whether one row shares a third of the word runs of the shorter of both."""
    counter = CountVectorizer(analyzer=word_runs, binary=True, dtype=np.float32)
    known = counter.fit_transform(rows)
    have = counter.transform(texts)
    of_rows = np.asarray(known.sum(axis=1)).ravel()
    of_texts = np.array([len(set(word_runs(text))) for text in texts], dtype=np.float32)
    near = np.zeros(len(texts), dtype=bool)
    turned = known.T.tocsr()
    for start in range(0, len(texts), AT_ONCE):
        shared = (have[start : start + AT_ONCE] @ turned).tocoo()
        least = np.minimum(of_texts[start + shared.row], of_rows[shared.col])
        near[start + shared.row[shared.data >= RUN_SHARE * least]] = True
    return near


def looks_alike(texts, rows):
    """For each text whether one row has nearly the same runs of letters."""
    counter = CountVectorizer(analyzer="char_wb", ngram_range=(RUN_LETTERS, RUN_LETTERS), binary=True, dtype=np.float32, max_df=0.2)
    known = counter.fit_transform(rows)
    have = counter.transform(texts)
    rare = np.log(len(rows) / np.asarray(known.sum(axis=0)).ravel()).astype(np.float32)

    def unit(counts):
        weighed = csr_matrix(counts @ diags(rare))
        length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        return csr_matrix(diags(1 / np.maximum(length, 1e-6)) @ weighed)

    known, have = unit(known).T.tocsr(), unit(have)
    near = np.zeros(len(texts), dtype=bool)
    for start in range(0, len(texts), AT_ONCE):
        cosine = have[start : start + AT_ONCE] @ known
        near[start : start + AT_ONCE] = np.asarray(cosine.max(axis=1).todense()).ravel() >= COSINE
    return near


def near(texts, rows):
    """For each of the texts whether it is near one of the rows."""
    texts, rows = [plain(text) for text in texts], [plain(row) for row in rows]
    rows = sorted({row for row in rows if row})
    return shares_runs(texts, rows) | looks_alike(texts, rows)


def main():
    import phrases
    import train

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora")
    parser.add_argument("--own", type=int, default=train.OWN, help="texts of our own, of each label")
    options = parser.parse_args()
    drawn = phrases.drawn(train.SEED, options.own)
    found = near([text for text, _, _ in drawn], [row["text"] for row in train.load(options.corpora)])
    by_template = collections.defaultdict(list)
    for (_, label, template), is_near in zip(drawn, found):
        by_template[(label, template)].append(is_near)
    for label, name in ((1, "attacks"), (0, "harmless")):
        of = [is_near for (_, one, _), is_near in zip(drawn, found) if one == label]
        print(f"{name}: {sum(of)} of {len(of)} texts are near a row")
    bad = [
        (np.mean(hits), len(hits), key)
        for key, hits in by_template.items()
        if len(hits) >= DRAWN_MIN and np.mean(hits) >= TEMPLATE_SHARE
    ]
    for share, count, (label, template) in sorted(bad, reverse=True):
        print(f"{share:.2f} of {count:4d} {'attack' if label else 'harmless'}: {template[:150]}")
    print(f"{len(bad)} of {len(by_template)} templates bring forth too many")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
