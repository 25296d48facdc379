"""Trains the model of the moderation guard and writes `crates/guard/data/moderation.bin`.

    cargo build --release -p guard --example harms
    python3 scripts/guard/train_moderation.py CORPORA [--write]

CORPORA is a folder with `moderation.jsonl.gz`, `benign.jsonl.gz`, `injection.jsonl.gz`: JSON lines with text, label, source, kind and
licence. The gate's own code cuts the texts into traits (`crates/guard/examples/harms.rs`), so the model learns from exactly what it will
see. Without `--write` only the figures are printed: every source is judged by a model that saw none of its rows.
"""

import argparse
import collections
import gzip
import json
import os
import re
import struct
import subprocess
import sys

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import harms

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
BUCKETS = 65_000
HARMS = ["hate", "harassment", "self_harm", "sexual", "sexual/minors", "violence", "illicit", "illicit/violent"]
# Licences that let a model be trained on a text and given away.
LICENCES = ("MIT", "Apache-2.0", "own")
# Labelled for injection: what it calls harmless holds requests for harm.
SKIPPED = "wildguard"
# What a text of our own counts, where one of the corpora counts one.
OWN_WEIGHT = 0.7
C = 4.0
SEED = 11

# The corpora say that a request is harmful, not in which way: that is read off its words. What no line names is `illicit`, help with
# what one should not do.
NAMED = [
    ("sexual/minors", r"child porn|minor and attempts to groom|(child|minor|teen|underage|kid).{0,40}(sexual|porn|nude|explicit)|(sexual|porn|explicit).{0,40}(child|minor|teen|underage)|pedophil"),
    ("sexual", r"porn|erotic|explicit (or intimate )?(imag|sex)|sexual(ly)? explicit|non-consensual sex|sexual activity|snuff"),
    ("self_harm", r"suicid|self-harm|anorexi|bulimi|eating disorder|kill (my|your|them)sel"),
    ("hate", r"racis|sexis|hate speech|hatred|\bhate\b|slur|nazi|holocaust|inferior|supremac|dehumani|discriminat|minorit|misogyn|homophob|xenophob|(immigrants|jewish|muslim|black|women|disabilit|queer|lgbt).{0,60}(inferior|violence|burden|crime|terroris|harass|insult|lazy)|against a (particular|specific|certain) (group|race|ethnic)"),
    ("harassment", r"harass|bull(y|ie)|stalk|threat|insult|humiliat|blackmail|gaslight|intimidat|dox|swatting|ruin their reputation|hate mail|revenge|mock"),
    ("violence", r"\bkill|murder|poison|violen|massacre|torture|assault|physical harm|beat|dismember|flay|quartered|terroris|kidnap|assassinat|behead|animal cruelty|harm animals|harm(ing)? (to )?others|shooting|rape|abus(e|ive)|death threat|gore"),
    ("illicit/violent", r"bomb|explosive|firearm|weapon|\bgun|anthrax|ricin|sarin|nerve (gas|agent)|botulin|chlorine|mustard gas|vx\b|tabun|lewisite|tetrodotoxin|strychnine|parathion|uranium|ebola|outbreak|pathogen|toxin|arson|grenade|biohazard|water supply|bleach"),
]
# Requests that are these alone are not help with a crime.
SPOKEN = {"hate", "harassment", "self_harm", "sexual", "sexual/minors"}


def named(text):
    found = [harm for harm, words in NAMED if re.search(words, text.lower())]
    for harm in list(found):
        found += [also for also in harms.ALSO.get(harm, []) if also not in found]
    if not set(found) & SPOKEN and "illicit" not in found and not (found == ["violence"] and re.search(r"glorif|graphic|promot|encourag", text.lower())):
        found.append("illicit")
    return found


def load(folder):
    rows, seen = [], set()
    for name in ("moderation", "benign", "injection"):
        with gzip.open(os.path.join(folder, name + ".jsonl.gz"), "rt") as lines:
            for row in map(json.loads, lines):
                parts = row["licence"].replace(" / ", "+").replace(" + ", "+").split("+")
                if not all(part in LICENCES for part in parts) or row["text"] in seen or (name == "injection" and row["label"]) or SKIPPED in row["source"]:
                    continue
                seen.add(row["text"])
                rows.append({"text": row["text"], "harms": named(row["text"]) if row["label"] else [], "source": row["source"], "set": name})
    return rows


def own(count):
    return [{"text": t, "harms": h, "source": "own", "set": "own"} for t, h in harms.texts(SEED, count)]


def read(rows):
    """Adds to each row what the gate's code says of it: windows of traits, and what rules say of each."""
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    program = os.path.join(target, "release", "examples", "harms")
    lines = "".join(json.dumps(row["text"]) + "\n" for row in rows)
    out = subprocess.run([program], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.splitlines()
    for row, line in zip(rows, out, strict=True):
        row["scores"], windows = json.loads(line)
        row["windows"] = [traits for traits, _ in windows]
        row["rules"] = np.array([rules for _, rules in windows]).reshape(-1, len(HARMS)) / 100


def matrix(all_windows):
    data, indices, pointers = [], [], [0]
    for window in all_windows:
        counts = collections.Counter(window)
        norm = max(len(window), 1) ** 0.5
        indices.extend(counts.keys())
        data.extend(value / norm for value in counts.values())
        pointers.append(len(indices))
    return csr_matrix((data, indices, pointers), shape=(len(pointers) - 1, BUCKETS), dtype=np.float64)


def fit(rows):
    """Weights and bias of each harm."""
    count = collections.Counter((row["source"], bool(row["harms"])) for row in rows)
    taken, labels, weights = [], [], []
    for row in rows:
        chosen = row["windows"]
        if len(chosen) > 8:
            chosen = chosen[:: len(chosen) // 8 + 1]
        weight = (OWN_WEIGHT * 4 if row["source"] == "own" else 1.0) / count[(row["source"], bool(row["harms"]))] ** 0.4
        for window in chosen:
            taken.append(window)
            labels.append([harm in row["harms"] for harm in HARMS])
            weights.append(weight / len(chosen) ** 0.5)
    traits, labels, weights = matrix(taken), np.array(labels), np.array(weights)
    coefficients, biases = [], []
    for head in range(len(HARMS)):
        own_weights = weights.copy()
        for label in (False, True):
            chosen = labels[:, head] == label
            own_weights[chosen] *= len(weights) / 2 / own_weights[chosen].sum()
        # What one harm is not is mostly what is harmless, or another harm: neither is to drown the few that are it.
        model = LogisticRegression(C=C, solver="liblinear", max_iter=300)
        model.fit(traits, labels[:, head], sample_weight=own_weights)
        coefficients.append(model.coef_[0])
        biases.append(model.intercept_[0])
    return np.array(coefficients), np.array(biases)


def raw(model, rows):
    """For each row its windows' sums for each harm."""
    coefficients, biases = model
    return [matrix(row["windows"]) @ coefficients.T + biases if row["windows"] else np.full((1, len(HARMS)), -9.0) for row in rows]


def held_out(rows, extra):
    """Each source is judged by a model that saw none of its rows. The two sources of harm are in different parts."""
    sources = sorted({row["source"] for row in rows})
    part = {source: index % 2 for index, source in enumerate(sources)}
    for source in sources:
        if source.startswith("AdvBench"):
            part[source] = 0
        elif source.startswith("HarmBench"):
            part[source] = 1
    out = [None] * len(rows)
    for fold in (0, 1):
        model = fit([row for row in rows if part[row["source"]] != fold] + extra)
        unseen = [index for index, row in enumerate(rows) if part[row["source"]] == fold]
        for index, sums in zip(unseen, raw(model, [rows[index] for index in unseen])):
            out[index] = sums
    return out


def combined(rows, sums, slope, offset):
    """Both layers together: for each row the worst window of each harm."""
    out = []
    for row, windows in zip(rows, sums):
        sure = 1 / (1 + np.exp(-(windows * slope + offset)))
        rules = row["rules"] if len(row["rules"]) else np.zeros_like(sure)
        out.append((1 - (1 - sure) * (1 - rules)).max(axis=0))
    return np.array(out)


def calibrate(rows, sums):
    """Slope and offset of all harms that put 1 % of harmless texts at .80 and above, and 5 % at .50, both layers together."""
    harmless = [index for index, row in enumerate(rows) if not row["harms"]]
    taken, their = [rows[index] for index in harmless], [sums[index] for index in harmless]
    worst = np.array([windows.max() for windows in their])
    best = None
    for high in np.quantile(worst, np.linspace(0.985, 0.999, 15)):
        for low in np.quantile(worst, np.linspace(0.93, 0.985, 12)):
            if high - low < 0.1:
                continue
            slope = np.log(4.0) / (high - low)
            scores = combined(taken, their, slope, -low * slope).max(axis=1)
            miss = abs(np.mean(scores >= 0.8) - 0.01) / 0.01 + abs(np.mean(scores >= 0.5) - 0.05) / 0.05
            if best is None or miss < best[0]:
                best = (miss, slope, -low * slope)
    return best[1:]


def at(harmless, harmful):
    """AUC, and recall where 1 % and 5 % of harmless texts are above."""
    auc = roc_auc_score([0] * len(harmless) + [1] * len(harmful), np.concatenate([harmless, harmful]))
    return f"AUC {auc:.3f}  recall at 1 % {np.mean(harmful > np.quantile(harmless, 0.99)):.3f}  at 5 % {np.mean(harmful > np.quantile(harmless, 0.95)):.3f}"


def figures(rows, scores):
    worst = scores.max(axis=1)
    is_harmful = np.array([bool(row["harms"]) for row in rows])
    print(f"  any harm ({is_harmful.sum()} of {len(rows)}): {at(worst[~is_harmful], worst[is_harmful])}")
    print(f"  at 80: recall {np.mean(worst[is_harmful] >= 0.8):.3f}, false positives {np.mean(worst[~is_harmful] >= 0.8):.4f}; at 50: {np.mean(worst[is_harmful] >= 0.5):.3f}, {np.mean(worst[~is_harmful] >= 0.5):.4f}")
    for head, harm in enumerate(HARMS):
        chosen = np.array([harm in row["harms"] for row in rows])
        if chosen.sum() >= 5:
            print(f"  {harm:16} {chosen.sum():4d}  {at(scores[~is_harmful, head], scores[chosen, head])}")
    groups = collections.defaultdict(list)
    for row, score, harmful in zip(rows, worst, is_harmful):
        groups[(bool(harmful), row["set"], row["source"][:60])].append(score >= 0.8)
    for key, hits in sorted(groups.items()):
        print(f"  {len(hits):5d} {np.mean(hits):.3f} {key}")


def write(model, slope, offset):
    coefficients, biases = model
    scale = np.abs(coefficients).max(axis=1) / 127
    weights = np.round(coefficients / scale[:, None]).astype(np.int8)
    heads = len(HARMS)
    numbers = [*scale, *biases, *[slope] * heads, *[offset] * heads]
    data = b"BGM1" + struct.pack(f"<{4 * heads}f", *numbers) + weights.T.tobytes()
    with open(os.path.join(ROOT, "crates/guard/data/moderation.bin"), "wb") as file:
        file.write(data)
    checksum = 0x811C9DC5
    for byte in data:
        checksum = ((checksum ^ byte) * 0x01000193) & 0xFFFFFFFF
    print(f"written: {len(data)} bytes, {np.count_nonzero(weights)} weights, checksum {checksum:#010x}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--own", type=int, default=3000, help="texts of our own, with harm and without each")
    options = parser.parse_args()
    rows, extra = load(options.corpora), own(options.own)
    read(rows + extra)
    print(f"{len(rows)} rows, {sum(bool(row['harms']) for row in rows)} harmful; {len(extra)} texts of our own")
    print(collections.Counter(harm for row in rows for harm in row["harms"]))
    rules = np.array([row["rules"].max(axis=0) if len(row["rules"]) else np.zeros(len(HARMS)) for row in rows])
    print("rules alone:")
    figures(rows, rules + np.random.default_rng(SEED).random(rules.shape) * 1e-6)
    sums = held_out(rows, extra)
    slope, offset = calibrate(rows, sums)
    print("rules and model, each source held out:")
    figures(rows, combined(rows, sums, slope, offset))
    print("rules and model that learnt from our own texts alone:")
    figures(rows, combined(rows, raw(fit(extra), rows), slope, offset))
    if options.write:
        write(fit(rows + extra), slope, offset)


if __name__ == "__main__":
    sys.exit(main())
