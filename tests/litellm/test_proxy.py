"""LiteLLM's own proxy with the hook of `examples/litellm`: it makes the calls, the gate keeps the money."""

import os
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests/sdk")]
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

import scripted  # noqa: E402
import stack  # noqa: E402
from dev.process import Programs, answers, free_port  # noqa: E402

MASTER = "sk-of-litellm"
SECONDS_MAX = 120
CONFIG = """
model_list:
  - model_name: on-openai
    litellm_params: {{ model: openai/scripted, api_base: "{base}/v1", api_key: {key}, max_retries: 0 }}
litellm_settings:
  callbacks: bartizan_hook.hook
  num_retries: 0
general_settings:
  master_key: {master}
"""


@pytest.fixture(scope="module")
def programs():
    with Programs() as programs:
        yield programs


@pytest.fixture(scope="module")
def upstream():
    with scripted.Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def gate(programs, upstream, tmp_path_factory):
    return stack.scripted_gate(programs, upstream, tmp_path_factory.mktemp("gate"))


def proxy(programs, upstream, gate, key: str, folder: Path) -> httpx.Client:
    """A proxy that spends as this key."""
    (folder / "config.yaml").write_text(CONFIG.format(base=upstream.base_url, key=scripted.KEY, master=MASTER))
    # LiteLLM looks for the hook's module beside its configuration.
    (folder / "bartizan_hook.py").write_text((ROOT / "examples/litellm/bartizan_hook.py").read_text())
    port = free_port()
    command = [Path(sys.executable).parent / "litellm", "--config", folder / "config.yaml"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "BARTIZAN_URL": gate.base_url, "BARTIZAN_KEY": key, "LITELLM_TELEMETRY": "False"}
    # The list of prices that is inside the package: nothing is fetched.
    environment["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    program = programs.start("litellm", command, env=environment, cwd=folder, log=folder / "litellm.log")
    base = f"http://127.0.0.1:{port}"
    program.wait_until("ready", lambda: answers(f"{base}/health/liveliness"), SECONDS_MAX)
    return httpx.Client(base_url=base, headers={"authorization": f"Bearer {MASTER}"}, timeout=60)


@pytest.fixture(scope="module")
def rich(programs, upstream, gate, tmp_path_factory):
    return proxy(programs, upstream, gate, gate.key, tmp_path_factory.mktemp("rich"))


@pytest.fixture(scope="module")
def poor(programs, upstream, gate, tmp_path_factory):
    made = gate.run("keys", "create", "--name", "poor", "--all-models", "--budget", "0.0000001", "--only-key")
    return proxy(programs, upstream, gate, made.stdout.strip(), tmp_path_factory.mktemp("poor"))


def chat(client, script: str, **more) -> httpx.Response:
    message = {"role": "user", "content": script}
    return client.post("/chat/completions", json={"model": "on-openai", "messages": [message], "max_tokens": 50, **more})


def entries(gate) -> list[dict]:
    return [line["entry"] for line in gate.json("ledger", "show", "--last", "1000")]


def next_entry(gate, before: int) -> dict:
    """The one entry that was added."""
    until = time.monotonic() + 30
    while len(entries(gate)) == before:
        assert time.monotonic() < until, "nothing was settled"
        time.sleep(0.2)
    assert len(entries(gate)) == before + 1
    [new] = sorted(entries(gate), key=lambda entry: entry["finished"])[-1:]
    return new


@pytest.mark.parametrize("stream", [False, True])
def test_agp_d1_a_call_through_litellm_is_billed_what_the_provider_said(gate, rich, stream):
    before = len(entries(gate))
    answer = chat(rich, "say", stream=stream, **({"stream_options": {"include_usage": True}} if stream else {}))
    assert answer.status_code == 200, answer.text
    entry = next_entry(gate, before)
    played = scripted.SCRIPTS["say"]
    assert entry["outcome"] == {"reported": "completed"} and entry["usage_source"] == "reported"
    assert (entry["usage"]["input"], entry["usage"]["output"]) == (played.prompt, played.output)
    assert entry["cost"] == stack.cost(played)


def test_what_the_provider_refuses_is_voided(gate, rich):
    before = len(entries(gate))
    assert chat(rich, "error 429").status_code == 429
    entry = next_entry(gate, before)
    assert entry["outcome"] == {"reported": "voided"} and entry["cost"] == 0


def test_agp_d1_without_money_the_provider_is_not_called(upstream, poor):
    until = time.monotonic() + 20
    while True:
        sent = len(upstream.requests)
        answer = chat(poor, "say")
        # The gate hears of a new key within a moment.
        if answer.status_code != 401:
            break
        assert time.monotonic() < until, answer.text
    assert answer.status_code == 402, answer.text
    assert len(upstream.requests) == sent
