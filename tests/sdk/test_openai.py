"""The official OpenAI client through the gate, to upstreams of both dialects."""

import json

import openai
import pytest
from pydantic import BaseModel

from conftest import openai_options
from scripted import CLOCK, SCRIPTS, WEATHER

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": tool,
            "description": f"the {tool}",
            "parameters": {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]},
        },
    }
    for tool, argument in [("weather", "city"), ("clock", "zone")]
]


def asks(script: str) -> list[dict]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": script}]


def check_usage(usage, script) -> None:
    assert usage.prompt_tokens == script.prompt
    assert usage.completion_tokens == script.output
    assert usage.total_tokens == script.prompt + script.output


def test_a_whole_answer(openai_client, model):
    answer = openai_client.chat.completions.create(model=model, messages=asks("say"))
    script = SCRIPTS["say"]
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == script.text
    assert answer.choices[0].finish_reason == "stop"
    check_usage(answer.usage, script)


def test_a_stream_with_usage(openai_client, model):
    stream = openai_client.chat.completions.create(
        model=model, messages=asks("say"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == SCRIPTS["say"].text
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert [chunk.usage is not None for chunk in chunks].count(True) == 1
    check_usage(chunks[-1].usage, SCRIPTS["say"])
    assert len(chunks) > 5, "pieces are passed on as they come"


def test_a_stream_without_usage_shows_none(openai_client, model):
    chunks = list(openai_client.chat.completions.create(model=model, messages=asks("say"), stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


async def test_async_whole_and_streamed(gate, model):
    async with openai.AsyncOpenAI(**openai_options(gate)) as client:
        answer = await client.chat.completions.create(model=model, messages=asks("say"))
        assert answer.choices[0].message.content == SCRIPTS["say"].text
        stream = await client.chat.completions.create(model=model, messages=asks("say"), stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
        assert text == SCRIPTS["say"].text


def test_the_system_prompt_arrives(openai_client, upstream, model):
    openai_client.chat.completions.create(model=model, messages=asks("say"), temperature=0.5, max_tokens=99)
    sent = upstream.last.body
    if model == "on-openai":
        assert sent["messages"] == asks("say")
    else:
        assert sent["system"] == "Be brief."
        assert sent["messages"] == [{"role": "user", "content": "say"}]
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("scripted", 0.5, 99)


def test_agp_i1_only_the_gates_credential_goes_upstream(openai_client, gate, upstream, model):
    openai_client.chat.completions.create(model=model, messages=asks("say"))
    assert gate.key not in json.dumps(upstream.last.headers)


def test_a_tool_call(openai_client, model):
    answer = openai_client.chat.completions.create(model=model, messages=asks("tool"), tools=TOOLS)
    [call] = answer.choices[0].message.tool_calls
    assert (call.id, call.type, call.function.name) == (WEATHER.id, "function", "weather")
    assert json.loads(call.function.arguments) == json.loads(WEATHER.arguments)
    assert answer.choices[0].finish_reason == "tool_calls"
    check_usage(answer.usage, SCRIPTS["tool"])


def test_parallel_tool_calls_streamed_with_partial_arguments(openai_client, model):
    with openai_client.chat.completions.stream(model=model, messages=asks("tools"), tools=TOOLS) as stream:
        partial = [event for event in stream if event.type == "tool_calls.function.arguments.delta"]
        final = stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == SCRIPTS["tools"].text
    assert [(c.id, c.function.name) for c in message.tool_calls] == [(WEATHER.id, "weather"), (CLOCK.id, "clock")]
    for call, tool in zip(message.tool_calls, [WEATHER, CLOCK]):
        assert json.loads(call.function.arguments) == json.loads(tool.arguments)
    assert len(partial) > 6, "arguments come in pieces"
    assert final.choices[0].finish_reason == "tool_calls"


def test_tool_results_go_back(openai_client, upstream, model):
    asked = asks("tools")
    answer = openai_client.chat.completions.create(model=model, messages=asked, tools=TOOLS)
    message = answer.choices[0].message
    results = [
        {"role": "tool", "tool_call_id": WEATHER.id, "content": "21 degrees"},
        {"role": "tool", "tool_call_id": CLOCK.id, "content": "09:00"},
    ]
    turns = [*asked, message.model_dump(exclude_none=True), *results]
    final = openai_client.chat.completions.create(model=model, messages=turns, tools=TOOLS)
    assert final.choices[0].message.content == SCRIPTS["after-tools"].text
    if model == "on-anthropic":
        last = upstream.last.body["messages"][-1]
        assert [(part["type"], part["tool_use_id"]) for part in last["content"]] == [
            ("tool_result", WEATHER.id),
            ("tool_result", CLOCK.id),
        ]


def test_a_forced_tool(openai_client, upstream, model):
    choice = {"type": "function", "function": {"name": "weather"}}
    openai_client.chat.completions.create(model=model, messages=asks("tool"), tools=TOOLS, tool_choice=choice)
    expected = choice if model == "on-openai" else {"type": "tool", "name": "weather"}
    assert upstream.last.body["tool_choice"] == expected


class Person(BaseModel):
    name: str
    age: int


def test_structured_output(openai_client, upstream, model):
    answer = openai_client.chat.completions.parse(model=model, messages=asks("json"), response_format=Person)
    assert answer.choices[0].message.parsed == Person(name="Ada", age=36)
    sent = upstream.last.body
    schema = (
        sent["response_format"]["json_schema"]["schema"] if model == "on-openai" else sent["output_config"]["format"]["schema"]
    )
    assert set(schema["properties"]) == {"name", "age"}


def test_reasoning(openai_client, model):
    answer = openai_client.chat.completions.create(model=model, messages=asks("think"), reasoning_effort="low")
    message = answer.choices[0].message
    assert message.content == SCRIPTS["think"].text
    assert message.model_extra.get("reasoning_content") == SCRIPTS["think"].thinking
    if model == "on-openai":
        assert answer.usage.completion_tokens_details.reasoning_tokens == SCRIPTS["think"].reasoning


def test_cached_tokens_are_told(openai_client, model):
    usage = openai_client.chat.completions.create(model=model, messages=asks("cached")).usage
    check_usage(usage, SCRIPTS["cached"])
    assert usage.prompt_tokens_details.cached_tokens == SCRIPTS["cached"].cached


def test_a_truncated_answer(openai_client, model):
    answer = openai_client.chat.completions.create(model=model, messages=asks("long"), max_tokens=8)
    assert answer.choices[0].finish_reason == "length"


def test_an_image(openai_client, upstream, model):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    content = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
        {"type": "text", "text": "say"},
    ]
    openai_client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}])
    image = upstream.last.body["messages"][0]["content"][0]
    if model == "on-anthropic":
        assert image == {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}}
    else:
        assert image == content[0]


def test_what_cannot_be_carried_is_refused_by_name(openai_client, upstream):
    before = len(upstream.requests)
    with pytest.raises(openai.BadRequestError) as refused:
        openai_client.chat.completions.create(model="on-anthropic", messages=asks("say"), logit_bias={"50256": -100})
    assert "logit_bias" in refused.value.message
    assert len(upstream.requests) == before


def test_completions(openai_client):
    answer = openai_client.completions.create(model="on-openai", prompt="Once upon a time", max_tokens=20)
    assert answer.choices[0].text == SCRIPTS["say"].text
    check_usage(answer.usage, SCRIPTS["say"])


def test_embeddings(openai_client):
    answer = openai_client.embeddings.create(model="embed", input=["one", "two"], encoding_format="float")
    assert [item.embedding for item in answer.data] == [[0.25, -0.5, 0], [0.25, -0.5, 1]]
    assert answer.usage.prompt_tokens == 9


def test_models(openai_client):
    listed = {model.id for model in openai_client.models.list()}
    assert {"on-openai", "on-anthropic", "embed"} == listed
    assert openai_client.models.retrieve("on-openai").id == "on-openai"
    with pytest.raises(openai.NotFoundError):
        openai_client.models.retrieve("no-such-model")
