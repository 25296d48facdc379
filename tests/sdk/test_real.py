"""The official clients through the gate to a real model, and what the gate then says of the calls."""

import anthropic
import openai
import pytest

import stack
from conftest import anthropic_options, openai_options
from dev.engine import MODEL
from dev.gate import Gate, Ports

QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
# The built-in catalogue's nominal price of a model on own hardware: $0.02 and $0.04 a million tokens.
INPUT_NANOS, OUTPUT_NANOS = 20, 40

# The Anthropic client has no argument of its own for it; models still take it.
COLD = {"temperature": 0}


@pytest.fixture
def openai_real(real):
    with openai.OpenAI(**openai_options(real)) as client:
        yield client


@pytest.fixture
def anthropic_real(real):
    with anthropic.Anthropic(**anthropic_options(real)) as client:
        yield client


def check_entry(gate, request_id: str, prompt: int, output: int) -> None:
    """The ledger says what the client was told."""
    entry = stack.entry(gate, request_id)
    usage = entry["usage"]
    assert usage["input"] + usage.get("cache_read", 0) == prompt
    assert usage["output"] == output
    assert entry["cost"] == prompt * INPUT_NANOS + output * OUTPUT_NANOS
    assert (entry["outcome"], entry["usage_source"]) == ("completed", "provider")


def test_openai_whole(real, openai_real):
    raw = openai_real.chat.completions.with_raw_response.create(model=MODEL, messages=QUESTION, temperature=0, max_tokens=32)
    answer = raw.parse()
    assert "Paris" in answer.choices[0].message.content
    check_entry(real, raw.headers["x-request-id"], answer.usage.prompt_tokens, answer.usage.completion_tokens)


def test_openai_streamed(real, openai_real):
    raw = openai_real.chat.completions.with_raw_response.create(
        model=MODEL, messages=QUESTION, temperature=0, max_tokens=32, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(raw.parse())
    assert "Paris" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    usage = chunks[-1].usage
    check_entry(real, raw.headers["x-request-id"], usage.prompt_tokens, usage.completion_tokens)


async def test_openai_async(real):
    async with openai.AsyncOpenAI(**openai_options(real)) as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=QUESTION, temperature=0, max_tokens=32, stream=True
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    assert "Paris" in text


def test_openai_completion(openai_real):
    answer = openai_real.completions.create(model=MODEL, prompt="The capital of France is", temperature=0, max_tokens=4)
    assert answer.choices[0].text and answer.usage.completion_tokens <= 4


def test_anthropic_whole(real, anthropic_real):
    raw = anthropic_real.messages.with_raw_response.create(model=MODEL, messages=QUESTION, extra_body=COLD, max_tokens=32)
    message = raw.parse()
    assert "Paris" in message.content[0].text
    prompt = message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0)
    check_entry(real, raw.headers["request-id"], prompt, message.usage.output_tokens)


def test_anthropic_streamed(real, anthropic_real):
    with anthropic_real.messages.stream(model=MODEL, messages=QUESTION, extra_body=COLD, max_tokens=32) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
        request_id = stream.response.headers["request-id"]
    assert "Paris" in text
    prompt = message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0)
    check_entry(real, request_id, prompt, message.usage.output_tokens)


def test_an_answer_cut_at_its_bound(anthropic_real):
    message = anthropic_real.messages.create(model=MODEL, messages=QUESTION, extra_body=COLD, max_tokens=3)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 3


def test_tokens_are_counted(anthropic_real):
    counted = anthropic_real.messages.count_tokens(model=MODEL, messages=QUESTION)
    assert 10 <= counted.input_tokens <= 60


def test_models(openai_real):
    assert MODEL in [model.id for model in openai_real.models.list()]


def test_an_engine_with_a_key_is_found_without_configuration(real, programs, tmp_path):
    """No file, no providers: the engine is named by the environment, as its default port would name it."""
    port = stack.engine_port(real)
    config = tmp_path / "bartizan.yaml"
    ports = Ports.any()
    config.write_text(ports.section())
    env = {"LLAMA_API_KEY": real.env["LLAMA_API_KEY"], "BARTIZAN_ENGINES": f"found=http://127.0.0.1:{port}"}
    gate = Gate(real.binary, tmp_path / "data", ports, config, env).serve(programs, tmp_path / "bartizan.log")
    with openai.OpenAI(**openai_options(gate)) as client:
        assert MODEL in [model.id for model in client.models.list()]
    gate.program.stop()
