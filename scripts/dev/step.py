"""One step of the test run: a command with a deadline, its output shown as it comes, its tests counted."""

import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field

from .process import end_group
from .say import say, took

STEP_SECONDS_MAX = 1800


@dataclass
class Count:
    """Tests that passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


# What runners say, and what it counts as.
WORDS = {
    "passed": "passed",
    "pass": "passed",
    "xpassed": "failed",
    "failed": "failed",
    "fail": "failed",
    "exec failed": "failed",
    "timed out": "failed",
    "cancelled": "failed",
    "error": "failed",
    "errors": "failed",
    "skipped": "skipped",
    "ignored": "skipped",
    "todo": "skipped",
    "xfailed": "skipped",
}
_NUMBERS = re.compile(r"(\d+) (" + "|".join(sorted(WORDS, key=len, reverse=True)) + r")\b")
_TAP = re.compile(r"^# (pass|fail|cancelled|skipped|todo) (\d+)$")
_SUMMARIES = [
    re.compile(r"^\s*Summary \[.*?\] (.*)$"),  # cargo nextest
    re.compile(r"^test result: \w+\. (.*)$"),  # cargo test
    re.compile(r"^=* ?((?:\d+ \w+,? )+)in [\d.]+s.*$"),  # pytest
]
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def count(line: str) -> Count:
    """What one line of a runner's output says about its tests; nothing, for most lines."""
    counted = Count()
    line = _COLOUR.sub("", line).rstrip()
    tap = _TAP.match(line)
    if tap:
        pairs = [(tap.group(2), tap.group(1))]
    else:
        found = next((match for match in (summary.match(line) for summary in _SUMMARIES) if match), None)
        pairs = _NUMBERS.findall(found.group(1)) if found else []
    for number, word in pairs:
        kind = WORDS[word]
        setattr(counted, kind, getattr(counted, kind) + int(number))
    return counted


@dataclass
class Step:
    """A command that checks something."""

    title: str
    command: list
    env: dict = field(default_factory=dict)
    cwd: object = None
    counts: Count = field(default_factory=Count)
    took: str = ""
    passed: bool = False

    def run(self) -> bool:
        say(f"\n==> {self.title}")
        begun = time.monotonic()
        child = subprocess.Popen(
            [str(word) for word in self.command],
            env={**os.environ, **self.env},
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        late = threading.Timer(STEP_SECONDS_MAX, end_group, [child])
        late.start()
        try:
            for line in child.stdout:
                say(line, end="")
                self.counts.add(count(line))
            code = child.wait()
        finally:
            late.cancel()
            end_group(child)
        self.took = took(begun)
        self.passed = code == 0 and self.counts.failed == 0
        if code != 0 and self.counts.failed == 0:
            # A step that fails without naming a test is one failure, so that the last line tells the truth.
            self.counts.failed = 1
        return self.passed

