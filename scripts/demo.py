#!/usr/bin/env python3
"""`make demo`: the gate in front of a small real model, one call through it, and what the gate can say about
that call afterwards. Then it keeps serving until Ctrl-C.

Needs cargo and python3. Downloads go to `.cache/`; everything listens on loopback only; everything that was
started is stopped at the end, also when a step fails.
"""

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from dev import engine  # noqa: E402
from dev.gate import Gate, Ports  # noqa: E402
from dev.process import Program, Programs, complete  # noqa: E402
from dev.python import CACHE, ROOT  # noqa: E402
from dev.say import Failure, say, step  # noqa: E402

FOLDER = CACHE / "demo"
QUESTION = "What is the capital of France? Answer in one sentence."
OUTPUT_TOKENS_MAX = 64
CALL_SECONDS_MAX = 120
BUILD_SECONDS_MAX = 3600


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make demo", description=__doc__)
    arguments.add_argument("--once", action="store_true", help="stop after the call instead of serving on")
    arguments.add_argument("--binary", type=Path, help="use this bartizan instead of building one")
    asked = arguments.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with alone(), Programs() as programs:
            demonstrate(programs, asked.binary, asked.once)
    except KeyboardInterrupt:
        say("\nstopped")
    except Failure as failure:
        failure.show()
        return 1
    return 0


@contextlib.contextmanager
def alone():
    """One demo at a time: a second one would take the folder from under the first."""
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "demo.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure("another demo is running here", "stop it with Ctrl-C first") from None
        yield


def demonstrate(programs: Programs, binary: Path | None, once: bool) -> None:
    with step("getting a small engine and model (170 MB, once)"):
        engine.install()
    binary = binary or build()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, mode=0o700)
    with step("starting llama-server with SmolLM2-135M-Instruct"):
        model = engine.start(programs, FOLDER)
        say(f"    {model.base_url}, with an API key that only the gate has")
    with step("starting bartizan in front of it"):
        gate = serve(programs, binary, model)
    show(gate, call(gate))
    how_to_call(gate)
    if not once:
        say("Serving until Ctrl-C.")
        watch(gate.program, model.program)


def watch(*running: Program) -> None:
    """Until somebody stops us, or one of them ends."""
    while all(program.runs for program in running):
        time.sleep(0.5)
    name = next(program.name for program in running if not program.runs)
    raise Failure(f"{name} ended by itself", f"its log is in {FOLDER}")


def build() -> Path:
    """The release binary, built by cargo, which shows its own progress."""
    if not shutil.which("cargo"):
        raise Failure("cargo is not installed", "see https://rustup.rs, or apt-get install cargo")
    with step("building bartizan (the first time takes minutes)"):
        if complete(["cargo", "build", "--release", "-p", "bartizan"], BUILD_SECONDS_MAX, cwd=ROOT) != 0:
            raise Failure("bartizan could not be built", "a C compiler is needed: apt-get install build-essential")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release/bartizan"


def serve(programs: Programs, binary: Path, model: engine.Engine) -> Gate:
    """The gate on its own defaults. Only what this machine forces on it is configured."""
    gate = Gate(binary.resolve(), FOLDER / "data", Ports.free(), env={"LLAMA_API_KEY": model.key})
    if gate.ports != Ports():
        say("    some of the ports 8080 to 8082 are taken: free ones are used")
        configure(gate, gate.ports.section())
    if model.port != engine.PORT:
        say(f"    port {engine.PORT} is taken: the engine is named to the gate")
        gate.env["BARTIZAN_ENGINES"] = f"demo={model.base_url}"
    gate.serve(programs, FOLDER / "bartizan.log")
    if engine.MODEL not in models(gate):
        say("    bartizan did not find the engine by itself: it is told by a configuration file")
        gate.program.stop()
        shutil.rmtree(gate.data_dir)
        configure(gate, gate.ports.section() + model.section())
        gate.serve(programs, FOLDER / "bartizan.log")
    indented(gate.program.output)
    return gate


def configure(gate: Gate, text: str) -> None:
    gate.config = FOLDER / "bartizan.yaml"
    gate.config.write_text(text)


def request(gate: Gate, method: str, path: str, body: dict | None = None) -> http.client.HTTPResponse:
    """One request with the virtual key."""
    connection = http.client.HTTPConnection("127.0.0.1", gate.ports.data, timeout=CALL_SECONDS_MAX)
    headers = {"authorization": f"Bearer {gate.key}", "content-type": "application/json"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    response = connection.getresponse()
    if response.status != 200:
        detail = response.read(2000).decode(errors="replace")
        raise Failure(f"{method} {path} was answered with {response.status}: {detail}")
    return response


def models(gate: Gate) -> list[str]:
    return [model["id"] for model in json.load(request(gate, "GET", "/v1/models"))["data"]]


def call(gate: Gate) -> str:
    """One streamed call, its answer shown as it comes. Returns the request's id."""
    say(f"\n==> asking {engine.MODEL}: {QUESTION}\n    ", end="")
    body = {
        "model": engine.MODEL,
        "stream": True,
        "temperature": 0,
        "max_tokens": OUTPUT_TOKENS_MAX,
        "messages": [{"role": "user", "content": QUESTION}],
    }
    response = request(gate, "POST", "/v1/chat/completions", body)
    ended = False
    for line in response:
        data = line.decode().strip().removeprefix("data:").strip()
        ended = ended or data == "[DONE]"
        if not data.startswith("{"):
            continue
        event = json.loads(data)
        if "error" in event:
            raise Failure(f"the answer broke off: {event['error'].get('message')}")
        for choice in event.get("choices", []):
            say(choice.get("delta", {}).get("content") or "", end="")
    say("\n")
    if not ended:
        raise Failure("the answer broke off", f"its log is {FOLDER / 'bartizan.log'}")
    return response.getheader("x-request-id", "")


def show(gate: Gate, request_id: str) -> None:
    """What the gate knows of the call, by its own commands on the same instance."""
    proof = FOLDER / "proof.json"
    gate.eventually("ledger", "prove", request_id, "--out", proof)
    verified = gate.run("ledger", "verify", proof)
    entry = next(line["entry"] for line in gate.json("ledger", "show") if line["entry"]["id"] == request_id)
    say(f"==> what it cost\n    {tokens(entry['usage'])}, ${nanos(entry['cost'])}")
    say("\n==> bartizan budgets list")
    indented(gate.run("budgets", "list").stdout)
    say(f"\n==> bartizan ledger prove {request_id} --out proof.json")
    say("==> bartizan ledger verify proof.json")
    indented(verified.stdout)


def tokens(usage: dict) -> str:
    prompt = sum(usage.get(part, 0) for part in ("input", "cache_read", "cache_write"))
    return f"{prompt} prompt tokens, {usage.get('output', 0)} output tokens"


def nanos(amount: int) -> str:
    return f"{amount // 10**9}.{amount % 10**9:09d}"


def indented(text: str) -> None:
    for line in text.rstrip().splitlines():
        say(f"    {line}")


def how_to_call(gate: Gate) -> None:
    base, key, model = gate.base_url, gate.key, engine.MODEL
    say(
        f"""
==> call it yourself

    curl {base}/v1/chat/completions -H 'authorization: Bearer {key}' -H 'content-type: application/json' \\
      -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'

    # pip install openai
    from openai import OpenAI
    client = OpenAI(base_url="{base}/v1", api_key="{key}")
    print(client.chat.completions.create(model="{model}", messages=[{{"role": "user", "content": "Hello"}}]))

    # pip install anthropic
    from anthropic import Anthropic
    client = Anthropic(base_url="{base}", api_key="{key}")
    print(client.messages.create(model="{model}", max_tokens=64, messages=[{{"role": "user", "content": "Hello"}}]))

    metrics: {gate.health_url}/metrics   commands: {gate.binary} --data-dir {gate.data_dir} usage
"""
    )


if __name__ == "__main__":
    sys.exit(main())
