#!/usr/bin/env python3
"""`make test` and `make lint`: every check of the repository, one after the other, none skipped because another
failed. The last line counts the tests of all runners.

Installs what it needs and is missing, starts its own PostgreSQL, stops what it started.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from dev import chromium, engine, openbao  # noqa: E402
from dev.node import node_path  # noqa: E402
from dev.postgres import Postgres  # noqa: E402
from dev.process import Programs  # noqa: E402
from dev.python import ROOT, environment  # noqa: E402
from dev.say import Failure, say, step, took  # noqa: E402
from dev.step import Count, Step  # noqa: E402

SDK_TESTS = ROOT / "tests/sdk"
PEOPLE_TESTS = ROOT / "tests/people"
# What a first build and its tests take, with some room.
DISK_GIB = 10


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make test", description=__doc__)
    arguments.add_argument("--lint", action="store_true", help="only format, clippy and the house rules")
    arguments.add_argument("--only", metavar="WORD", help="only the steps whose title has this word")
    asked = arguments.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun = time.monotonic()
    warn_of_little_disk()
    try:
        steps = checks() if asked.lint else checks() + tests()
        steps = [step for step in steps if not asked.only or asked.only in step.title]
        if asked.lint:
            run(steps)
        else:
            with Programs() as programs, Postgres(programs) as url:
                os.environ["BARTIZAN_TEST_POSTGRES_URL"] = url
                os.environ.setdefault("PROPTEST_RNG_SEED", seed())
                say(f"property tests: PROPTEST_RNG_SEED={os.environ['PROPTEST_RNG_SEED']}")
                run(steps)
    except KeyboardInterrupt:
        say("\nstopped before the end")
        return 130
    except Failure as failure:
        failure.show()
        return 1
    return conclude(steps, begun)


def warn_of_little_disk() -> None:
    """A full disk fails in many places and nowhere says so: say it before."""
    free = shutil.disk_usage(ROOT).free / 2**30
    say(f"{free:.1f} GiB of disk are free")
    if free < DISK_GIB:
        say(f"warning: a first run takes up to {DISK_GIB} GiB; CARGO_TARGET_DIR may name another disk")


def checks() -> list[Step]:
    """What is wrong without running anything."""
    xtask = ["cargo", "xtask"]
    return [
        Step("format", ["cargo", "fmt", "--all", "--check"]),
        Step("clippy", ["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        Step("floors", [*xtask, "floors"]),
        Step("tidy", [*xtask, "tidy"]),
        Step("threats", [*xtask, "threats", "--check"]),
        Step("generated files", [*xtask, "gen", "--check"]),
    ]


def tests() -> list[Step]:
    """What runs. Builds first: the SDK tests use the same binary as the Rust tests."""
    with step("getting what the tests need"):
        openbao.install()
        engine.install()
        chromium.find()
        python = environment("sdk") / "bin/python"
        path = node_path()
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    env = {"BARTIZAN_BIN": str(target / "debug/bartizan"), "PATH": path}
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    return [
        Step("build", ["cargo", "build", "--workspace", "--bins", "--tests"]),
        Step("rust tests", rust_tests()),
        *doc_tests(),
        Step("python sdk tests", [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."], env, SDK_TESTS),
        Step("node sdks", install, env, SDK_TESTS / "node"),
        Step("node sdk tests", [python, "run_node.py"], env, SDK_TESTS),
        Step("browser and identity provider", install, env, PEOPLE_TESTS),
        Step("people tests", [python, "run.py"], env, PEOPLE_TESTS),
    ]


def has_nextest() -> bool:
    return bool(shutil.which("cargo-nextest")) and subprocess.run(["cargo", "nextest", "--version"], capture_output=True).returncode == 0


def doc_tests() -> list[Step]:
    """What must not compile: `cargo test` runs it with the rest, nextest does not."""
    return [Step("what must not compile", ["cargo", "test", "--quiet", "--doc", "-p", "data"])] if has_nextest() else []


def rust_tests() -> list:
    if has_nextest():
        # What fails is run once more: servers are killed and paused here, and a busy machine may be late. It is named
        # as FLAKY at the end, which is a fault to be mended. A property that fails does so again: see `seed`.
        shown = ["--status-level", "retry", "--final-status-level", "flaky"]
        return ["cargo", "nextest", "run", "--workspace", "--no-fail-fast", "--retries", "1", *shown]
    return ["cargo", "test", "--workspace", "--no-fail-fast", "--quiet"]


def seed() -> str:
    """Where the choices of property tests begin: elsewhere with each change, alike for all who test the same tree."""
    tree = subprocess.run(["git", "rev-parse", "HEAD^{tree}"], cwd=ROOT, capture_output=True, text=True).stdout
    return str(int(tree[:12] or "0", 16))


def run(steps: list[Step]) -> None:
    for one in steps:
        one.cwd = one.cwd or ROOT
        one.run()


def conclude(steps: list[Step], begun: float) -> int:
    say("\n==> in short")
    total = Count()
    for one in steps:
        total.add(one.counts)
        counted = f"   {one.counts}" if one.counts != Count() else ""
        say(f"    {'ok    ' if one.passed else 'FAILED'}  {one.took:>9}  {one.title}{counted}")
    say(f"    in all {took(begun)}\n")
    say(str(total))
    return 0 if all(one.passed for one in steps) else 1


if __name__ == "__main__":
    sys.exit(main())
