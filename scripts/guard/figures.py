#!/usr/bin/env python3
"""Writes the figures of docs/guards.md anew: how good the guards are on labelled texts.

    make guard-figures CORPORA=folder

The folder holds secrets, pii, injection, evasion, mcp, moderation and benign, each `.jsonl.gz`: one JSON object a line with
`text`, `label`, `source`, `kind` and, of personal data, `spans`. Each row of the table is one run of `bartizan guard eval`
on those texts that the row names. With `--check` nothing is written, and figures that differ fail.
"""

import argparse
import gzip
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guards.md"
BEGIN, END = "<!-- figures: made by `make guard-figures` -->", "<!-- end of figures -->"

# What is shown, of which file, by which guard, and which of its texts.
ROWS = [
    ("secrets", "secrets", "secrets", [], lambda row: True),
    ("secrets, on prompts, lock files and checksums", "secrets", "secrets", [],
     lambda row: row["kind"] in ("checksum_line", "benign_prompt")),
    ("personal data", "pii", "personal", [], lambda row: True),
    ("injection", "injection", "injection", [], lambda row: True),
    ("injection, rules alone", "injection", "injection-rules", [], lambda row: True),
    ("injection, attacks in disguise", "evasion", "injection", [], lambda row: True),
    ("injection, attacks in disguise, rules alone", "evasion", "injection-rules", [], lambda row: True),
    ("injection, everyday texts", "benign", "injection", [], lambda row: True),
    ("injection, everyday texts, rules alone", "benign", "injection-rules", [], lambda row: True),
    ("poisoned descriptions of tools", "mcp", "tool", [], lambda row: True),
    ("moderation", "moderation", "moderation", [], lambda row: True),
    ("moderation, everyday texts", "benign", "moderation", [], lambda row: True),
]
# Kinds of marks with fewer places than this say little.
MARKS_MIN = 20


def texts(folder: pathlib.Path, name: str, wanted) -> bytes:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = (json.loads(line) for line in lines)
        return "".join(json.dumps(row) + "\n" for row in rows if wanted(row)).encode()


def evaluated(binary: str, guard: str, more: list[str], data: bytes) -> dict:
    words = [binary, "guard", "eval", "-", "--guard", guard, "--json", *more]
    return json.loads(subprocess.run(words, input=data, capture_output=True, check=True).stdout)


def share(value: dict | None) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f}–{value['high']:.3f})" if value else "–"


def real(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else "–"


def table(binary: str, folder: pathlib.Path) -> str:
    lines = [
        "| guard | labelled | others | precision | recall | F1 | false positives | AUC | recall at 1 % | at 5 % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    marks: dict = {}
    for name, file, guard, more, wanted in ROWS:
        print(f"{name} …", file=sys.stderr)
        told = evaluated(binary, guard, more, texts(folder, file, wanted))
        figures = told["all"]
        counts = figures["texts"]
        labelled, others = counts["right"] + counts["missed"], counts["wrong"] + counts["left_alone"]
        at = [share(figures[f"recall_at_{of}_percent"]) if labelled and others else "–" for of in (1, 5)]
        cells = [name, str(labelled), str(others), share(figures["precision"]) if labelled else "–",
                 share(figures["recall"]), real(figures["f1"]) if labelled else "–", share(figures["false_positives"]),
                 real(figures["auc"]), *at]
        lines.append("| " + " | ".join(cells) + " |")
        if told.get("spans"):
            marks = {kind: found for kind, found in told["spans"].items() if found["of"] >= MARKS_MIN}
            on = told["findings_on_spans"]
    lines += ["", f"Personal data place by place; of all findings {share(on)} touch a place that is marked:", "",
              "| marked as | places | found |", "|---|---|---|"]
    for kind, found in sorted(marks.items(), key=lambda item: -item[1]["of"]):
        lines.append(f"| {kind} | {found['of']} | {share(found['recall'])} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=pathlib.Path)
    parser.add_argument("--binary", default=str(ROOT / "target" / "debug" / "bartizan"))
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    made = f"{before}{BEGIN}\n\n{table(args.binary, args.corpora)}\n\n{END}{after}"
    if args.check:
        print("as they are" if made == page else "the figures differ: run `make guard-figures`")
        return int(made != page)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
