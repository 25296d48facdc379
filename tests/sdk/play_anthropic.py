"""The scripted upstream's Anthropic side."""

import json


def last_words(body: dict) -> str:
    """The last user message; a conversation that ends with a tool's result asks for what comes after it."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return "after-tools" if content[-1]["type"] == "tool_result" else content[-1]["text"]


def usage(script) -> dict:
    return {
        "input_tokens": script.prompt - script.cached,
        "cache_read_input_tokens": script.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": script.output,
    }


def stop(script) -> str:
    return "max_tokens" if script.truncated else "tool_use" if script.tools else "end_turn"


def whole(script, body: dict) -> dict:
    content = []
    if script.thinking:
        content.append({"type": "thinking", "thinking": script.thinking, "signature": "c2lnbmVk"})
    if script.text:
        content.append({"type": "text", "text": script.text})
    content += [{"type": "tool_use", "id": t.id, "name": t.name, "input": json.loads(t.arguments)} for t in script.tools]
    return {**_head(body), "content": content, "stop_reason": stop(script), "stop_sequence": None, "usage": usage(script)}


def events(script, body: dict):
    """One block after the other, with a ping among them."""
    from scripted import pieces

    started = {**usage(script), "output_tokens": 1}
    message = {**_head(body), "content": [], "stop_reason": None, "stop_sequence": None, "usage": started}
    yield _event("message_start", message=message)
    yield _event("ping")
    index = 0
    if script.thinking:
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(script.thinking)]
        deltas.append({"type": "signature_delta", "signature": "c2lnbmVk"})
        yield from _block(index, {"type": "thinking", "thinking": "", "signature": ""}, deltas)
        index += 1
    if script.text:
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(script.text)]
        yield from _block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    for tool in script.tools:
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(tool.arguments, 7)]]
        yield from _block(index, {"type": "tool_use", "id": tool.id, "name": tool.name, "input": {}}, deltas)
        index += 1
    delta = {"stop_reason": stop(script), "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": script.output})
    yield _event("message_stop")


def _block(index: int, opening: dict, deltas: list[dict]):
    yield _event("content_block_start", index=index, content_block=opening)
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def error(kind: str, message: str) -> dict:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _head(body: dict) -> dict:
    return {"id": "msg_scripted", "type": "message", "role": "assistant", "model": body["model"]}


def _event(kind: str, **data) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, ensure_ascii=False)}\n\n"
