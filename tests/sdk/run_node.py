"""Runs the Node SDK tests with a gate and the scripted upstream beside them: `python run_node.py`."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import scripted
import stack
from dev.process import Programs
from dev.say import Failure

SECONDS_MAX = 300
FOLDER = Path(__file__).resolve().parent / "node"


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="bartizan-node-") as folder, Programs() as programs, scripted.Upstream() as upstream:
        gate = stack.scripted_gate(programs, upstream, Path(folder))
        env = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "ANTHROPIC_"))}
        env |= {"GATE_URL": gate.base_url, "GATE_KEY": gate.key}
        command = ["node", "--test", "--test-reporter=tap"]
        code = subprocess.run(command, cwd=FOLDER, env=env, stdin=subprocess.DEVNULL, timeout=SECONDS_MAX).returncode
        check_the_record(gate, upstream)
    return code


def check_the_record(gate, upstream) -> None:
    """Node's calls are in the ledger too: each that the upstream answered, at its script's price."""
    answered = [request for request in upstream.requests if "error" not in json.dumps(request.body["messages"])]
    deadline = time.monotonic() + stack.RECORD_SECONDS_MAX
    while True:
        entries = [line["entry"] for line in gate.json("ledger", "show", "--last", "1000")]
        completed = [entry for entry in entries if entry["status"] == 200]
        if len(completed) >= len(answered) or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    prices = {stack.cost(script) for script in scripted.SCRIPTS.values()}
    strange = [entry["id"] for entry in completed if entry["cost"] not in prices]
    if strange or not completed or len(completed) != len(answered):
        raise Failure(f"{len(completed)} of {len(answered)} calls are in the ledger; priced wrongly: {strange}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        failure.show()
        sys.exit(1)
