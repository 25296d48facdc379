"""The scripted upstream's OpenAI side."""

import json


def last_words(body: dict) -> str:
    """The last user message; a conversation that ends with a tool's result asks for what comes after it."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return "after-tools"
    content = last["content"]
    return content if isinstance(content, str) else content[-1]["text"]


def usage(script) -> dict:
    return {
        "prompt_tokens": script.prompt,
        "completion_tokens": script.output,
        "total_tokens": script.prompt + script.output,
        "prompt_tokens_details": {"cached_tokens": script.cached},
        "completion_tokens_details": {"reasoning_tokens": script.reasoning},
    }


def finish(script) -> str:
    return "length" if script.truncated else "tool_calls" if script.tools else "stop"


def whole(script, body: dict) -> dict:
    message = {"role": "assistant", "content": script.text or None, "refusal": None}
    if script.thinking:
        message["reasoning_content"] = script.thinking
    if script.tools:
        message["tool_calls"] = [
            {"id": tool.id, "type": "function", "function": {"name": tool.name, "arguments": tool.arguments}}
            for tool in script.tools
        ]
    choice = {"index": 0, "message": message, "finish_reason": finish(script), "logprobs": None}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": usage(script)}


def events(script, body: dict):
    """Text first, then all tools at once, their arguments interleaved piece by piece."""
    from scripted import pieces

    yield _chunk(body, {"role": "assistant", "content": ""})
    for piece in pieces(script.thinking):
        yield _chunk(body, {"reasoning_content": piece})
    for piece in pieces(script.text):
        yield _chunk(body, {"content": piece})
    yield from _tool_events(script, body, pieces)
    yield _chunk(body, {}, finish(script))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _event({**_head(body, "chat.completion.chunk"), "choices": [], "usage": usage(script)})
    yield "data: [DONE]\n\n"


def _tool_events(script, body, pieces):
    for index, tool in enumerate(script.tools):
        opening = {"index": index, "id": tool.id, "type": "function", "function": {"name": tool.name, "arguments": ""}}
        yield _chunk(body, {"tool_calls": [opening]})
        for piece in pieces(tool.arguments, 7):
            yield _chunk(body, {"tool_calls": [{"index": index, "function": {"arguments": piece}}]})


def completion(script, body: dict) -> dict:
    choice = {"index": 0, "text": script.text, "finish_reason": "stop", "logprobs": None}
    return {**_head(body, "text_completion"), "choices": [choice], "usage": usage(script)}


def embeddings(body: dict) -> dict:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [{"object": "embedding", "index": at, "embedding": [0.25, -0.5, at]} for at, _ in enumerate(inputs)]
    return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": 9, "total_tokens": 9}}


def error(kind: str, message: str) -> dict:
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def _head(body: dict, kind: str) -> dict:
    return {"id": "chatcmpl-scripted", "object": kind, "created": 1_795_000_000, "model": body["model"]}


def _chunk(body: dict, delta: dict, reason=None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return _event({**_head(body, "chat.completion.chunk"), "choices": [choice]})


def _event(data: dict) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
