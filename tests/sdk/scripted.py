"""A scripted upstream that plays OpenAI and Anthropic: what it answers is named by the last user message.

`SCRIPTS` says what each name means, once for both dialects; `play_openai` and `play_anthropic` put it into their
wire formats. Every request is kept, so that a test can look at what the gate really sent.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import play_anthropic
import play_openai

KEY = "scripted-upstream-key"


@dataclass
class Tool:
    """A call of a tool, its arguments as the model writes them."""

    id: str
    name: str
    arguments: str


@dataclass
class Script:
    """One answer. `prompt` counts all prompt tokens; cached ones are a part of it, reasoning is one of `output`."""

    text: str = ""
    thinking: str = ""
    tools: list[Tool] = field(default_factory=list)
    prompt: int = 100
    cached: int = 0
    output: int = 20
    reasoning: int = 0
    truncated: bool = False


WEATHER = Tool("call_paris", "weather", '{"city": "Paris", "unit": "c", "note": "tab\\t and \\"quotes\\""}')
CLOCK = Tool("call_tokyo", "clock", '{"zone":"Asia/Tokyo","precise":true,"after":[1,2.5,null]}')

SCRIPTS = {
    "say": Script(text="Hello from the scripted model. Grüße, \U0001f44b!", prompt=101, output=13),
    "cached": Script(text="Again.", prompt=1_234, cached=1_000, output=7),
    "tool": Script(tools=[WEATHER], prompt=211, output=31),
    "tools": Script(text="Let me look.", tools=[WEATHER, CLOCK], prompt=223, output=47),
    "after-tools": Script(text="It is 21 degrees in Paris and 9 o'clock in Tokyo.", prompt=307, output=23),
    "think": Script(text="42.", thinking="Six times seven is forty-two.", prompt=57, output=40, reasoning=30),
    "json": Script(text='{"name": "Ada", "age": 36}', prompt=71, output=11),
    "long": Script(text="This answer stops in the mid", prompt=33, output=8, truncated=True),
}

REASONS = {
    400: ("invalid_request_error", "the scripted upstream does not like this request"),
    401: ("authentication_error", "incorrect API key provided: sk-scripted"),
    429: ("rate_limit_error", "slow down, says the scripted upstream"),
    500: ("api_error", "the scripted upstream is broken inside"),
    529: ("overloaded_error", "the scripted upstream is overloaded"),
}


@dataclass
class Request:
    """What the upstream was sent."""

    method: str
    path: str
    headers: dict
    body: dict


class Upstream(ThreadingHTTPServer):
    """`with Upstream() as upstream: …` on a free loopback port."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[Request] = []
        self._serving = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def last(self) -> Request:
        return self.requests[-1]

    def __enter__(self) -> "Upstream":
        self._serving.start()
        return self

    def __exit__(self, *_) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append(Request("POST", self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        endpoints = {
            "/v1/chat/completions": (play_openai, self.converse),
            "/v1/messages": (play_anthropic, self.converse),
            "/v1/completions": (play_openai, lambda play, body: self.answer(200, play.completion(SCRIPTS["say"], body))),
            "/v1/embeddings": (play_openai, lambda play, body: self.answer(200, play.embeddings(body))),
            "/v1/messages/count_tokens": (play_anthropic, lambda play, body: self.answer(200, {"input_tokens": 77})),
        }
        if self.path not in endpoints:
            return self.answer(404, {"error": {"message": "no such path", "type": "not_found_error"}})
        play, act = endpoints[self.path]
        if not self._has_key(play):
            return self.fail(play, 401)
        act(play, body)

    def _has_key(self, play) -> bool:
        presented = self.headers.get("x-api-key") if play is play_anthropic else self.headers.get("authorization", "")
        return presented in (KEY, f"Bearer {KEY}")

    def converse(self, play, body: dict) -> None:
        asked = play.last_words(body)
        if asked.startswith("error "):
            return self.fail(play, int(asked.split()[1]))
        script = SCRIPTS[asked]
        if body.get("stream"):
            return self.stream(play.events(script, body))
        self.answer(200, play.whole(script, body))

    def fail(self, play, status: int) -> None:
        kind, message = REASONS[status]
        self.answer(status, play.error(kind, message))

    def answer(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, events) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            data = event.encode()
            # In the middle of an event and of a character: nothing may depend on how bytes arrive.
            for part in (data[: len(data) // 2], data[len(data) // 2 :]):
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                self.wfile.flush()
            time.sleep(0.001)
        self.wfile.write(b"0\r\n\r\n")


def pieces(text: str, size: int = 5) -> list[str]:
    """The text in small pieces, as models stream it."""
    return [text[at : at + size] for at in range(0, len(text), size)]
