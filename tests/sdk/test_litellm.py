"""The hook of `examples/litellm`, its functions called as LiteLLM's proxy calls them, against the gate."""

import asyncio
import sys
from types import SimpleNamespace

import httpx
import pytest

import stack

sys.path.insert(0, str(stack.ROOT / "examples/litellm"))
import bartizan_hook  # noqa: E402

HELD = bartizan_hook.RESERVATION
USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


def run(work):
    return asyncio.run(work)


def chat(**more):
    return {
        "model": "on-openai",
        "messages": [{"role": "user", "content": "hello"}],
        "proxy_server_request": {"headers": {"authorization": "sk-of-litellm"}},
        "metadata": {"trace": "t-1"},
        **more,
    }


def caller(**metadata):
    return SimpleNamespace(metadata=metadata)


def ledger(gate, reservation):
    """The one entry of a reservation."""
    request = reservation.split(".")[0]
    return stack.entry(gate, request)


async def call(gate, key, data, kind="completion"):
    hook = bartizan_hook.BartizanHook(gate.base_url, key)
    return hook, await hook.async_pre_call_hook(caller(), None, data, kind)


def test_a_call_is_reserved_and_settled_for_what_it_used(gate, keys):
    key = keys("litellm", "--all-models")

    async def whole():
        hook, data = await call(gate, key, chat())
        assert data["metadata"]["trace"] == "t-1" and data["max_tokens"] > 0
        kwargs = {"litellm_params": {"metadata": data["metadata"]}}
        response = SimpleNamespace(usage=SimpleNamespace(model_dump=lambda **_: USAGE))
        await hook.async_log_success_event(kwargs, response, None, None)
        await hook.async_log_success_event(kwargs, response, None, None)
        return data["metadata"][HELD]["reservation"]

    entry = ledger(gate, run(whole()))
    assert entry["outcome"] == {"reported": "completed"} and entry["usage_source"] == "reported"
    assert (entry["usage"]["input"], entry["usage"]["output"]) == (12, 5)
    assert entry["cost"] > 0 and entry["model"] == "on-openai"


def test_a_stream_is_settled_at_its_end_and_an_embedding_too(gate, keys):
    async def stream():
        hook, data = await call(gate, keys("litellm", "--all-models"), chat(stream=True, max_tokens=9))
        assert data["max_tokens"] == 9
        kwargs = {"stream": True, "litellm_params": {"metadata": data["metadata"]}}
        await hook.async_log_success_event(kwargs, {}, None, None)
        kwargs["complete_streaming_response"] = {"usage": USAGE}
        await hook.async_log_success_event(kwargs, {}, None, None)
        return data["metadata"][HELD]["reservation"]

    async def embedding():
        data = {"model": "embed", "input": ["a text"]}
        hook, data = await call(gate, keys("litellm", "--all-models"), data, "aembedding")
        assert "max_tokens" not in data
        kwargs = {"litellm_params": {"metadata": data["metadata"]}}
        usage = {"prompt_tokens": 4, "total_tokens": 4}
        await hook.async_log_success_event(kwargs, {"usage": usage}, None, None)
        return data["metadata"][HELD]["reservation"]

    assert ledger(gate, run(stream()))["usage"]["output"] == 5
    assert ledger(gate, run(embedding()))["operation"] == "embeddings"


def test_what_the_provider_refused_is_voided(gate, keys):
    async def refused():
        hook, data = await call(gate, keys("litellm", "--all-models"), chat())
        error = bartizan_hook.HTTPException(status_code=429, detail="slow down")
        await hook.async_post_call_failure_hook(data, error, caller())
        return data["metadata"][HELD]["reservation"]

    entry = ledger(gate, run(refused()))
    assert entry["outcome"] == {"reported": "voided"} and entry["cost"] == 0


def test_what_may_have_been_billed_is_not_voided(gate, keys):
    async def unknown():
        hook, data = await call(gate, keys("litellm", "--all-models"), chat())
        await hook.async_post_call_failure_hook(data, TimeoutError(), caller())
        held = {"reservation": data["metadata"][HELD]["reservation"]}
        answer = await hook._post("/v1/spend/void", held, hook.key)
        return answer.status_code, answer.json()["outcome"]

    assert run(unknown()) == (200, "voided"), "it was open still"


@pytest.mark.parametrize(
    ("key", "data", "status"),
    [("litellm", chat(model="none"), 404), (None, chat(), 401), ("poor", chat(), 402)],
)
def test_a_no_is_raised_and_nothing_is_held(gate, keys, key, data, status):
    made = {"litellm": ["--all-models"], "poor": ["--all-models", "--budget", "0.000001"]}
    text = keys(key, *made[key]) if key else "btz_none"
    with pytest.raises(bartizan_hook.HTTPException) as raised:
        # The gate hears of a new key and its budget within a moment.
        for _ in range(100):
            fresh = {**data, "metadata": {}}
            run(call(gate, text, fresh))
            assert status == 402 and HELD in fresh["metadata"]
    assert raised.value.status_code == status and raised.value.detail
    assert text not in str(raised.value.detail)


def test_a_budget_that_cannot_be_asked_is_a_no(gate):
    async def away():
        hook = bartizan_hook.BartizanHook("http://127.0.0.1:9", "btz_any")
        await hook.async_pre_call_hook(caller(), None, chat(), "completion")

    with pytest.raises(bartizan_hook.HTTPException) as raised:
        run(away())
    assert raised.value.status_code == 503
    with pytest.raises(bartizan_hook.HTTPException) as raised:
        run(call(gate, "btz_any", chat(), "image_generation"))
    assert raised.value.status_code == 403


def test_a_key_of_its_own_comes_from_the_callers_metadata(gate, keys):
    async def own():
        hook = bartizan_hook.BartizanHook(gate.base_url, "btz_none")
        mine = {"bartizan_key": keys("litellm", "--all-models")}
        data = await hook.async_pre_call_hook(caller(**mine), None, chat(), "completion")
        metadata = {**data["metadata"], "user_api_key_metadata": mine}
        kwargs = {"litellm_params": {"metadata": metadata}}
        await hook.async_log_success_event(kwargs, {"usage": USAGE}, None, None)
        return data["metadata"][HELD]["reservation"]

    assert ledger(gate, run(own()))["outcome"] == {"reported": "completed"}
