"""The official Anthropic client through the gate, to upstreams of both dialects."""

import json

import anthropic
import pytest
from pydantic import BaseModel

from conftest import anthropic_options
from scripted import CLOCK, SCRIPTS, WEATHER

TOOLS = [
    {
        "name": tool,
        "description": f"the {tool}",
        "input_schema": {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]},
    }
    for tool, argument in [("weather", "city"), ("clock", "zone")]
]


# The client has no argument of its own for it; models still take it.
WARM = {"temperature": 0.5}


def asks(script: str, **more) -> dict:
    return {"max_tokens": 200, "messages": [{"role": "user", "content": script}], **more}


def check_usage(usage, script) -> None:
    assert usage.input_tokens == script.prompt - script.cached
    assert (usage.cache_read_input_tokens or 0) == script.cached
    assert usage.output_tokens == script.output


def text_of(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_a_whole_answer(anthropic_client, model):
    message = anthropic_client.messages.create(model=model, **asks("say", system="Be brief."))
    assert (message.type, message.role, message.stop_reason) == ("message", "assistant", "end_turn")
    assert text_of(message) == SCRIPTS["say"].text
    check_usage(message.usage, SCRIPTS["say"])


def test_a_stream(anthropic_client, model):
    with anthropic_client.messages.stream(model=model, **asks("say")) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert "".join(pieces) == text_of(message) == SCRIPTS["say"].text
    assert len(pieces) > 5, "pieces are passed on as they come"
    assert message.stop_reason == "end_turn"
    check_usage(message.usage, SCRIPTS["say"])


def test_raw_events_are_in_order(anthropic_client, model):
    events = [event.type for event in anthropic_client.messages.create(model=model, stream=True, **asks("say"))]
    told = [kind for kind in events if kind != "ping"]
    assert told[0:2] == ["message_start", "content_block_start"]
    assert told[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(told[2:-3]) == {"content_block_delta"}


async def test_async_whole_and_streamed(gate, model):
    async with anthropic.AsyncAnthropic(**anthropic_options(gate)) as client:
        message = await client.messages.create(model=model, **asks("say"))
        assert text_of(message) == SCRIPTS["say"].text
        async with client.messages.stream(model=model, **asks("say")) as stream:
            text = "".join([piece async for piece in stream.text_stream])
        assert text == SCRIPTS["say"].text


def test_the_system_prompt_arrives(anthropic_client, upstream, model):
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    anthropic_client.messages.create(model=model, **asks("say", system=system, stop_sequences=["END"], extra_body=WARM))
    sent = upstream.last.body
    if model == "on-anthropic":
        assert (sent["system"], sent["stop_sequences"]) == (system, ["END"])
    else:
        [first, *_] = sent["messages"]
        assert first["role"] == "system"
        assert "Be brief." in json.dumps(first["content"])
        assert sent["stop"] == ["END"]
    assert (sent["model"], sent["temperature"]) == ("scripted", 0.5)


def test_agp_i1_only_the_gates_credential_goes_upstream(anthropic_client, gate, upstream, model):
    anthropic_client.messages.create(model=model, **asks("say"))
    assert gate.key not in json.dumps(upstream.last.headers)


def test_a_tool_call(anthropic_client, model):
    message = anthropic_client.messages.create(model=model, **asks("tool", tools=TOOLS))
    [call] = [block for block in message.content if block.type == "tool_use"]
    assert (call.id, call.name, call.input) == (WEATHER.id, "weather", json.loads(WEATHER.arguments))
    assert message.stop_reason == "tool_use"
    check_usage(message.usage, SCRIPTS["tool"])


def test_parallel_tool_calls_streamed_with_partial_json(anthropic_client, model):
    with anthropic_client.messages.stream(model=model, **asks("tools", tools=TOOLS)) as stream:
        partial = [event for event in stream if event.type == "input_json"]
        message = stream.get_final_message()
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [(call.id, call.name) for call in calls] == [(WEATHER.id, "weather"), (CLOCK.id, "clock")]
    assert [call.input for call in calls] == [json.loads(tool.arguments) for tool in (WEATHER, CLOCK)]
    assert text_of(message) == SCRIPTS["tools"].text
    assert len(partial) > 6, "arguments come in pieces"
    assert message.stop_reason == "tool_use"


def test_tool_results_go_back(anthropic_client, upstream, model):
    first = anthropic_client.messages.create(model=model, **asks("tools", tools=TOOLS))
    results = [
        {"type": "tool_result", "tool_use_id": WEATHER.id, "content": "21 degrees"},
        {"type": "tool_result", "tool_use_id": CLOCK.id, "content": [{"type": "text", "text": "09:00"}]},
    ]
    turns = [
        {"role": "user", "content": "tools"},
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
        {"role": "user", "content": results},
    ]
    final = anthropic_client.messages.create(model=model, max_tokens=200, messages=turns, tools=TOOLS)
    assert text_of(final) == SCRIPTS["after-tools"].text
    if model == "on-openai":
        told = [(m["role"], m["tool_call_id"]) for m in upstream.last.body["messages"][-2:]]
        assert told == [("tool", WEATHER.id), ("tool", CLOCK.id)]


def test_a_forced_tool(anthropic_client, upstream, model):
    choice = {"type": "tool", "name": "weather"}
    anthropic_client.messages.create(model=model, **asks("tool", tools=TOOLS, tool_choice=choice))
    expected = choice if model == "on-anthropic" else {"type": "function", "function": {"name": "weather"}}
    assert upstream.last.body["tool_choice"] == expected


class Person(BaseModel):
    name: str
    age: int


def test_structured_output(anthropic_client, upstream, model):
    message = anthropic_client.messages.parse(model=model, output_format=Person, **asks("json"))
    assert message.parsed_output == Person(name="Ada", age=36)
    sent = upstream.last.body
    schema = (
        sent["response_format"]["json_schema"]["schema"] if model == "on-openai" else sent["output_config"]["format"]["schema"]
    )
    assert set(schema["properties"]) == {"name", "age"}


@pytest.mark.parametrize("streamed", [False, True])
def test_thinking(anthropic_client, model, streamed):
    asked = asks("think", thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000)
    if streamed:
        with anthropic_client.messages.stream(model=model, **{**asked}) as stream:
            message = stream.get_final_message()
    else:
        message = anthropic_client.messages.create(model=model, **asked)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == SCRIPTS["think"].thinking
    assert text_of(message) == SCRIPTS["think"].text


def test_cached_tokens_are_told(anthropic_client, model):
    message = anthropic_client.messages.create(model=model, **asks("cached"))
    check_usage(message.usage, SCRIPTS["cached"])


def test_a_truncated_answer(anthropic_client, model):
    message = anthropic_client.messages.create(model=model, **{**asks("long"), "max_tokens": 8})
    assert message.stop_reason == "max_tokens"


def test_tokens_are_counted(anthropic_client, model):
    counted = anthropic_client.messages.count_tokens(model=model, messages=[{"role": "user", "content": "count these words"}])
    if model == "on-anthropic":
        assert counted.input_tokens == 77, "the provider counts"
    else:
        assert 3 <= counted.input_tokens <= 20, "the gate counts"


def test_what_cannot_be_carried_is_refused_by_name(anthropic_client, upstream):
    before = len(upstream.requests)
    tools = [{"type": "bash_20250124", "name": "bash"}]
    with pytest.raises(anthropic.BadRequestError) as refused:
        anthropic_client.messages.create(model="on-openai", **asks("say", tools=tools))
    assert "tools[0].type" in str(refused.value)
    assert len(upstream.requests) == before


def test_models(anthropic_client):
    listed = {model.id for model in anthropic_client.models.list()}
    assert {"on-openai", "on-anthropic", "embed"} == listed
    assert anthropic_client.models.retrieve("on-anthropic").id == "on-anthropic"
    with pytest.raises(anthropic.NotFoundError):
        anthropic_client.models.retrieve("no-such-model")
