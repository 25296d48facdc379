"""What the SDK tests talk to: a gate in front of the scripted upstream, and a gate in front of a real model."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from dev import engine  # noqa: E402
from dev.gate import Gate, Ports  # noqa: E402
from dev.process import Programs  # noqa: E402

import scripted  # noqa: E402

RECORD_SECONDS_MAX = 20
# Dollars for a million tokens; odd enough that a cost is never a round number by accident.
PRICES = {"input": "2.5003", "output": "10.0007", "cache_read": "0.2501", "cache_write": "3.1254"}

CONFIG = """
{listen}
providers:
  - name: plays-openai
    kind: openai
    base_url: {base}
    credential: env:SCRIPTED_KEY
    models: [scripted, scripted-embedding]
  - name: plays-anthropic
    kind: anthropic
    base_url: {base}
    credential: env:SCRIPTED_KEY
    models: [scripted]
models:
  - name: on-openai
    targets: [{{ provider: plays-openai, model: scripted }}]
  - name: on-anthropic
    targets: [{{ provider: plays-anthropic, model: scripted }}]
  - name: embed
    targets: [{{ provider: plays-openai, model: scripted-embedding }}]
prices:
  overrides:
{prices}
routing:
  expose: listed
  # Errors are asked for here, many in a row.
  breaker: {{ consecutive_failures_max: 100000, failure_percent_max: 100, window_calls_min: 100000 }}
store:
  refresh_every_ms: 200
"""


def binary() -> Path:
    """The gate under test: BARTIZAN_BIN, else the debug build, made if it is not there."""
    named = os.environ.get("BARTIZAN_BIN")
    found = Path(named) if named else Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/bartizan"
    if not found.exists() and not named:
        subprocess.run(["cargo", "build", "-p", "bartizan"], cwd=ROOT, check=True)
    return found.resolve()


def scripted_gate(programs: Programs, upstream: scripted.Upstream, folder: Path, more: str = "") -> Gate:
    """A gate in front of the scripted upstream, which it knows as two providers; with `more` in its file."""
    ports = Ports.any()
    config = folder / "bartizan.yaml"
    names = ["plays-openai", "plays-anthropic"]
    rates = "".join(f", {name}_per_million: '{rate}'" for name, rate in PRICES.items())
    prices = "\n".join(f"    - {{ provider: {name}, model: '*'{rates} }}" for name in names)
    config.write_text(CONFIG.format(listen=ports.section(), base=upstream.base_url, prices=prices) + more)
    gate = Gate(binary(), folder / "data", ports, config, {"SCRIPTED_KEY": scripted.KEY})
    return gate.serve(programs, folder / "bartizan.log")


def real_gate(programs: Programs, folder: Path) -> Gate:
    """A gate in front of llama-server, named to it by a file."""
    model = engine.start(programs, folder, port=0)
    ports = Ports.any()
    config = folder / "bartizan.yaml"
    config.write_text(ports.section() + model.section())
    gate = Gate(binary(), folder / "data", ports, config, {"LLAMA_API_KEY": model.key})
    return gate.serve(programs, folder / "bartizan.log")


def entry(gate: Gate, request_id: str) -> dict:
    """The ledger's entry of a call, as soon as it is there."""
    deadline = time.monotonic() + RECORD_SECONDS_MAX
    while time.monotonic() < deadline:
        for line in gate.json("ledger", "show", "--last", "1000"):
            if line["entry"]["id"] == request_id:
                return line["entry"]
        time.sleep(0.2)
    raise AssertionError(f"no ledger entry of {request_id} within {RECORD_SECONDS_MAX} s")


def cost(script: scripted.Script) -> int:
    """What the scripted call costs in nano-dollars: every class exactly, the sum rounded up once."""
    rate = {name: int(text.replace(".", "").ljust(len(text.split(".")[0]) + 9, "0")) for name, text in PRICES.items()}
    exact = (script.prompt - script.cached) * rate["input"]
    exact += script.cached * rate["cache_read"] + script.output * rate["output"]
    return -(-exact // 10**6)


def engine_port(gate: Gate) -> int:
    """Where the real model of this gate listens."""
    text = gate.config.read_text()
    return int(text.split("base_url: http://127.0.0.1:")[1].split()[0])
