#!/usr/bin/env python3
"""Two months of spend, from the ledger to finance: reports, forecasts, FOCUS, chargeback, proof, and what happens when somebody
changes the database.

It builds the gate, starts it in a folder of its own, writes two months of made-up calls into its store, and then only uses
commands that anybody may use. Needs Rust and Python; reaches nothing outside of this machine.

    python3 examples/finops/run.py [--days 60] [--calls-per-day 1500] [--keep]
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = """\
data_dir: "{folder}"
listen: {{ data: "127.0.0.1:{data}", control: "127.0.0.1:{control}", health: "127.0.0.1:{health}" }}
ledger: {{ checkpoint_every_ms: 1000 }}
telemetry: {{ log: {{ level: warn }} }}
providers:
  - {{ name: openai, kind: openai, base_url: "http://127.0.0.1:9", models: [gpt-4o, gpt-4o-mini] }}
  - {{ name: anthropic, kind: anthropic, base_url: "http://127.0.0.1:9", models: [claude-sonnet-4-5, claude-haiku-4-5] }}
"""
RULES = """\
rules:
  - {{ name: care, takes: [{{ kind: team, id: {support} }}], split: {{ kind: whole, to: customer-care }} }}
  - name: shop
    takes: [{{ kind: team, id: {search} }}]
    split: {{ kind: percent, parts: [{{ to: shop, weight: 7000 }}, {{ to: marketing, weight: 3000 }}] }}
rest: platform
"""


class Failed(Exception):
    """Something did not go as it should; the message says what."""


class Demo:
    """The gate's binary, its folder, and what is run on it."""

    def __init__(self, folder: pathlib.Path, debug: bool):
        self.folder = folder
        self.debug = debug
        self.config = folder / "bartizan.yaml"
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        self.binaries = target / ("debug" if debug else "release")
        ports = dict(zip(("data", "control", "health"), free_ports(3)))
        self.health = ports["health"]
        self.config.write_text(CONFIG.format(folder=folder, **ports))

    def build(self) -> None:
        title("Building the gate and the tool that makes up the month")
        profile = [] if self.debug else ["--release"]
        subprocess.run(["cargo", "build", *profile, "-p", "bartizan", "-p", "bench"], cwd=ROOT, check=True)

    def run(self, *words: str, code: int = 0, quiet: bool = False) -> str:
        """A command of the gate's, shown with what it says."""
        if not quiet:
            print(f"\n$ bartizan {' '.join(words)}", flush=True)
        done = subprocess.run(
            [self.binaries / "bartizan", "--config", self.config, *words], cwd=self.folder, capture_output=True, text=True
        )
        said = done.stdout + done.stderr
        if not quiet:
            print(said.rstrip() or "(done)")
        if done.returncode != code:
            raise Failed(f"`bartizan {' '.join(words)}` ended with {done.returncode}, not {code}: {said}")
        return done.stdout

    def serve(self, seconds: float) -> str:
        """Lets the gate run until it is ready and for so long beyond; what it logged."""
        log = self.folder / "gate.log"
        with log.open("w") as out:
            gate = subprocess.Popen([self.binaries / "bartizan", "serve", "--config", self.config], stdout=out, stderr=out)
            try:
                self.ready(gate, log)
                time.sleep(seconds)
            finally:
                gate.send_signal(signal.SIGTERM)
                gate.wait(30)
        return log.read_text()

    def ready(self, gate: subprocess.Popen, log: pathlib.Path) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and gate.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/readyz", timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise Failed(f"the gate did not start:\n{log.read_text()}")


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def title(text: str) -> None:
    print(f"\n\033[1m── {text} {'─' * max(0, 96 - len(text))}\033[0m", flush=True)


def reports(demo: Demo) -> None:
    title("What was spent, by whom, on what")
    demo.run("usage", "--since", "31d", "--by", "team,model")
    demo.run("usage", "--since", "31d", "--by", "day", "--chart")
    demo.run("usage", "--since", "31d", "--by", "label:outcome")
    title("Where it is going, which day stood out, and which budget will not last")
    demo.run("report", "trend", "--by", "team")
    demo.run("report", "forecast")
    demo.run("report", "anomalies", "--by", "key", "--days", "10")
    demo.run("report", "budgets")


def costs(demo: Demo) -> None:
    title("Files that finance takes")
    demo.run("export", "focus", "--from", "31d", "--out", "month.csv")
    demo.run("export", "parquet", "--from", "31d", "--out", "month.parquet")
    demo.run("export", "check", "month.csv")
    demo.run("export", "verify", "month.csv")
    title("Who bears it")
    listed = json.loads(demo.run("--json", "teams", "list", quiet=True))
    teams = {team["name"]: team["id"] for team in listed}
    (demo.folder / "rules.yaml").write_text(RULES.format(**teams))
    demo.run("chargeback", "rules", "--set", "rules.yaml")
    demo.run("chargeback", "draft")


def proof(demo: Demo) -> None:
    title("The ledger proves it")
    (demo.folder / "ledger.key").write_text(demo.run("ledger", "key", quiet=True))
    demo.run("ledger", "export", "--out", "ledger.jsonl")
    demo.run("ledger", "verify", "ledger.jsonl", "--key", "ledger.key")


def tamper(demo: Demo) -> None:
    title("Somebody makes a call cheaper, in the database")
    with sqlite3.connect(demo.folder / "bartizan.db") as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'entries'").fetchall()
        for (name,) in triggers:
            database.execute(f'DROP TRIGGER "{name}"')
        index, text = database.execute(
            "SELECT idx, CAST(bytes AS TEXT) FROM entries"
            " WHERE finished > (SELECT max(finished) FROM entries) - 20 * 86400000 ORDER BY cost_nanos DESC LIMIT 1"
        ).fetchone()
        before, rest = text.split('"cost":', 1)
        cost, after = rest.split(",", 1)
        database.execute("UPDATE entries SET bytes = CAST(? AS BLOB) WHERE idx = ?", (f'{before}"cost":1,{after}', index))
    print(f"entry {index} cost {int(cost) / 1e9:.6f} dollars; now it says it cost nothing")
    demo.run("ledger", "export", "--out", "changed.jsonl", quiet=True)
    demo.run("ledger", "verify", "changed.jsonl", "--key", "ledger.key", code=4)
    demo.run("export", "verify", "month.csv", code=4)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--days", type=int, default=60, help="what stands out is said of what has four weeks of history")
    arguments.add_argument("--calls-per-day", type=int, default=1500)
    arguments.add_argument("--keep", action="store_true", help="leave the folder with all files behind")
    arguments.add_argument("--debug", action="store_true", help="a debug build: sooner there, slower then")
    asked = arguments.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="finops-"))
    demo = Demo(folder, asked.debug)
    try:
        demo.build()
        demo.serve(1)
        title(f"{asked.days} days of made-up traffic")
        month = ["month", "--data-dir", str(folder), "--days", str(asked.days), "--calls-per-day", str(asked.calls_per_day)]
        subprocess.run([demo.binaries / "bench", *month], check=True)
        demo.serve(4)  # The gate signs the ledger's head.
        for part in (reports, costs, proof, tamper):
            part(demo)
    except Failed as why:
        print(f"error: {why}", file=sys.stderr)
        return 1
    finally:
        print(f"\nAll of it is in {folder}" if asked.keep else "")
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)
    title("Done: the reports agree with the ledger, and the change was found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
