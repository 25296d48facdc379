"""What the gate remembers of calls: the ledger's entries, their cost to the nano-dollar, and the sums."""

import anthropic
import openai
import pytest

import stack
from conftest import anthropic_options, openai_options
from scripted import SCRIPTS
from test_anthropic import TOOLS as ANTHROPIC_TOOLS
from test_openai import TOOLS as OPENAI_TOOLS


def ask_openai(client, model: str, script: str, streamed: bool) -> str:
    """Makes the call and returns its id."""
    body = {"model": model, "messages": [{"role": "user", "content": script}], "tools": OPENAI_TOOLS}
    raw = client.chat.completions.with_raw_response.create(**body, stream=streamed)
    if streamed:
        list(raw.parse())
    return raw.headers["x-request-id"]


def ask_anthropic(client, model: str, script: str, streamed: bool) -> str:
    body = {"model": model, "max_tokens": 200, "messages": [{"role": "user", "content": script}], "tools": ANTHROPIC_TOOLS}
    raw = client.messages.with_raw_response.create(**body, stream=streamed)
    if streamed:
        list(raw.parse())
    return raw.headers["request-id"]


ASK = {"openai": ask_openai, "anthropic": ask_anthropic}


@pytest.fixture(params=["openai", "anthropic"])
def caller(request, openai_client, anthropic_client):
    client = {"openai": openai_client, "anthropic": anthropic_client}[request.param]
    return request.param, lambda *call: ASK[request.param](client, *call)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("script", ["say", "cached", "tools"])
def test_agp_r1_every_call_is_in_the_ledger(gate, caller, model, script, streamed):
    dialect, ask = caller
    entry = stack.entry(gate, ask(model, script, streamed))
    played = SCRIPTS[script]
    assert (entry["outcome"], entry["status"], entry["attempts"]) == ("completed", 200, 1)
    assert (entry["dialect"], entry["model"]) == (dialect, model)
    assert entry["target"] == f"plays-{model.removeprefix('on-')}/scripted"
    assert entry["usage_source"] == "provider"
    assert entry["usage"]["input"] == played.prompt - played.cached
    assert entry["usage"].get("cache_read", 0) == played.cached
    assert entry["usage"]["output"] == played.output
    assert entry["cost"] == stack.cost(played)
    assert [charge["amount"] for charge in entry["charges"]] == [entry["cost"]]


def test_agp_r1_a_refusal_is_in_the_ledger_and_costs_nothing(gate, openai_client):
    with pytest.raises(openai.NotFoundError) as raised:
        openai_client.chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": "say"}])
    entry = stack.entry(gate, raised.value.request_id)
    assert (entry["outcome"], entry["status"], entry["cost"]) == ({"refused": "model_not_found"}, 404, 0)


def test_usage_sums_to_the_nano_dollar(gate, keys, upstream):
    """A key of its own, so that nobody else's calls are in the sum."""
    key = keys("counted", "--all-models")
    scripts = ["say", "cached", "tools", "think"]
    expected = sum(stack.cost(SCRIPTS[script]) for script in scripts) * 2
    with openai.OpenAI(**openai_options(gate, key)) as o, anthropic.Anthropic(**anthropic_options(gate, key)) as a:
        await_key(o)
        asked = [ask_openai(o, "on-anthropic", script, True) for script in scripts]
        asked += [ask_anthropic(a, "on-openai", script, False) for script in scripts]
    for request_id in asked:
        stack.entry(gate, request_id)
    rows = gate.json("usage", "--by", "key")["rows"]
    [row] = [row for row in rows if row["name"] == "counted"]
    assert row["requests"] == len(asked)
    assert row["cost_nanos"] == expected
    assert row["prompt_tokens"] == sum(SCRIPTS[script].prompt for script in scripts) * 2
    assert row["output_tokens"] == sum(SCRIPTS[script].output for script in scripts) * 2


def await_key(client):
    """Until the new key has reached the gate; listing models is no call and costs nothing."""
    import time

    deadline = time.monotonic() + 10
    while True:
        try:
            return client.models.list()
        except openai.AuthenticationError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_agp_r2_a_call_is_proved_and_a_changed_proof_is_not(gate, openai_client, tmp_path):
    request_id = ask_openai(openai_client, "on-openai", "say", False)
    stack.entry(gate, request_id)
    proof = tmp_path / "proof.json"
    gate.eventually("ledger", "prove", request_id, "--out", proof)
    assert "verified" in gate.run("ledger", "verify", proof).stdout
    text = proof.read_text()
    for honest, forged in [(str(stack.cost(SCRIPTS["say"])), "1"), (request_id, "req_" + "0" * 32)]:
        assert honest in text
        proof.write_text(text.replace(honest, forged))
        assert gate.run("ledger", "verify", proof, check=False).returncode != 0
