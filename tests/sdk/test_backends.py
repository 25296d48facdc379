"""A backend of one's own behind the gate, with the verifier of docs/backends.md as it stands there: it knows whose call
it answers, and refuses whatever did not come through the gate (ANP-0009, ANP-0006)."""

import base64
import hmac
import json
import os
import re
import time
import types
import urllib.error
import urllib.request

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import openai
import play_openai
import scripted
import stack
from conftest import openai_options
from dev.gate import Gate, Ports

HEADER = "x-bartizan-identity"
PATH = "/v1/chat/completions"
AUDIENCE = "https://engine.internal"
# As in the documented verifier.
LEEWAY_SECONDS = 5

CONFIG = """
{listen}  public_url: http://127.0.0.1:{data}
providers:
  - name: engine
    kind: openai
    base_url: {engine}
    models: [m]
    identity_token: {{ audience: {audience} }}
  - name: other
    kind: openai
    base_url: {other}
    models: [elsewhere]
    identity_token: {{ audience: https://other.internal }}
  - name: brief
    kind: openai
    base_url: {other}
    models: [brief]
    identity_token: {{ audience: {audience}, lifetime_ms: 1000 }}
prices:
  overrides:
    - {{ provider: engine, model: '*', input_per_million: '1', output_per_million: '1' }}
    - {{ provider: other, model: '*', input_per_million: '1', output_per_million: '1' }}
    - {{ provider: brief, model: '*', input_per_million: '1', output_per_million: '1' }}
store:
  refresh_every_ms: 200
"""


def documented(gate: str, audience: str = AUDIENCE) -> types.ModuleType:
    """The Python of docs/backends.md, told where the gate is."""
    text = (stack.ROOT / "docs/backends.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(code.splitlines()) <= 35, "the verifier is no longer tiny"
    module = types.ModuleType("documented")
    os.environ.update(GATE=gate, AUDIENCE=audience)
    exec(compile(code, "docs/backends.md", "exec"), module.__dict__)
    return module


class Guard(scripted.Handler):
    """Answers only what the verifier lets through."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        token = self.headers.get(HEADER)
        try:
            claims = self.server.verifier.caller("POST", self.path, token, body)
        except self.server.verifier.Refused as why:
            return self.answer(401, {"error": {"message": f"refused: {why}", "type": "authentication_error"}})
        self.server.taken.append((claims, token, body))
        self.answer(200, play_openai.whole(scripted.SCRIPTS["say"], json.loads(body)))


class Recorder(scripted.Handler):
    """Another backend, which keeps what it is sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append((None, self.headers.get(HEADER), body))
        self.answer(200, play_openai.whole(scripted.SCRIPTS["say"], json.loads(body)))


def backend(handler) -> scripted.Upstream:
    server = scripted.Upstream()
    server.RequestHandlerClass = handler
    server.taken = []
    server.verifier = None
    return server


@pytest.fixture(scope="module")
def scene(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backends")
    with backend(Guard) as engine, backend(Recorder) as other:
        ports = Ports.any()
        config = folder / "bartizan.yaml"
        text = CONFIG.format(
            listen=ports.section(), data=ports.data, engine=engine.base_url, other=other.base_url, audience=AUDIENCE
        )
        config.write_text(text)
        gate = Gate(stack.binary(), folder / "data", ports, config, {}).serve(programs, folder / "bartizan.log")
        engine.verifier = documented(gate.base_url)
        yield types.SimpleNamespace(gate=gate, engine=engine, other=other)


def say(scene, key=None, model="m", words="say"):
    with openai.OpenAI(**openai_options(scene.gate, key)) as client:
        return client.chat.completions.create(model=model, messages=[{"role": "user", "content": words}])


def past_the_gate(scene, token: str | None, body: bytes, path: str = PATH) -> int:
    """What the backend answers to who reaches it directly."""
    headers = {"content-type": "application/json"} | ({HEADER: token} if token is not None else {})
    request = urllib.request.Request(scene.engine.base_url + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(text: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_anp_0006_what_came_through_is_taken_and_its_tenant_known(scene):
    scene.gate.run("tenants", "create", "elsewhere")
    foreign = scene.gate.run(
        "keys", "create", "--name", "foreign", "--tenant", "elsewhere", "--all-models", "--only-key"
    ).stdout.strip()
    time.sleep(1)
    scene.engine.taken.clear()
    for key in (None, foreign):
        assert say(scene, key).choices[0].message.content == scripted.SCRIPTS["say"].text
    (own, _, _), (other, _, _) = scene.engine.taken
    ids = {tenant["name"]: tenant["id"] for tenant in scene.gate.json("tenants", "list")}
    assert (own["tenant"], other["tenant"]) == (ids["default"], ids["elsewhere"])
    assert own["sub"] != other["sub"] and own["jti"] != other["jti"] and own["model"] == "m"


def test_anp_0009_who_comes_past_the_gate_is_refused(scene):
    say(scene)
    claims, token, body = scene.engine.taken[-1]
    assert past_the_gate(scene, token, body) == 200, "the very same call is the one thing a thief can do"
    for no_token in (None, "", "Bearer", token[:-2], token.split(".")[1]):
        assert past_the_gate(scene, no_token, body) == 401
    assert past_the_gate(scene, token, body.replace(b"say", b"pay")) == 401, "another body"
    assert past_the_gate(scene, token, b"") == 401
    for path in ("/v1/completions", PATH + "/", PATH + "?x=1", "/v1/../v1/chat/completions"):
        assert past_the_gate(scene, token, body, path) == 401, path


def test_anp_0009_a_token_for_another_audience_is_refused(scene):
    say(scene, model="elsewhere")
    _, token, body = scene.other.taken[-1]
    assert part(token.split(".")[1])["aud"] == "https://other.internal"
    assert past_the_gate(scene, token, body) == 401


def test_anp_0009_a_token_of_another_gate_is_refused(scene):
    say(scene)
    _, token, body = scene.engine.taken[-1]
    stranger = documented(scene.gate.base_url)
    stranger.caller("POST", PATH, token, body)
    stranger.GATE = "https://other-gate.example"
    with pytest.raises(stranger.Refused, match="issuer"):
        stranger.caller("POST", PATH, token, body)


def test_anp_0009_a_token_whose_time_is_over_is_refused(scene):
    say(scene, model="brief")
    _, token, body = scene.other.taken[-1]
    first = past_the_gate(scene, token, body)
    exp = part(token.split(".")[1])["exp"]
    deadline = time.monotonic() + 60
    while past_the_gate(scene, token, body) == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert time.time() >= exp, "it was refused before its time"
    assert first in (200, 401)


def test_anp_0009_forged_tokens_are_refused(scene):
    say(scene)
    _, token, body = scene.engine.taken[-1]
    header, payload, signature = token.split(".")
    claims, own = part(payload), Ed25519PrivateKey.generate()
    kid = part(header)["kid"]
    public = scene.engine.verifier.KEYS.get_signing_key(kid).key.public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    changed = b64(json.dumps(claims | {"tenant": "tenant_" + "0" * 32}).encode())
    unsigned = b64(json.dumps({"alg": "none", "typ": "JWT", "kid": kid}).encode())
    shared = b64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode())
    mac = hmac.digest(public, f"{shared}.{payload}".encode(), "sha256")
    forged = {
        "another tenant": f"{header}.{changed}.{signature}",
        "another key under the right name": jwt.encode(claims, own, "EdDSA", {"kid": kid}),
        "another key under its own name": jwt.encode(claims, own, "EdDSA", {"kid": "mine"}),
        "another key that comes along": jwt.encode(
            claims, own, "EdDSA", {"kid": "mine", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(
                own.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            )}}
        ),
        "alg none": f"{unsigned}.{payload}.",
        "alg none, signed": f"{unsigned}.{payload}.{signature}",
        "the public key as a shared secret": f"{shared}.{payload}.{b64(mac)}",
    }
    for what, text in forged.items():
        assert past_the_gate(scene, text, body) == 401, what
    assert past_the_gate(scene, token, body) == 200


def test_anp_0009_a_rotation_refuses_nobody(scene):
    before = len(scene.gate.json("identity-keys", "list"))
    scene.gate.run("identity-keys", "rotate")
    assert len(scene.gate.json("identity-keys", "list")) == before + 1
    for _ in range(5):
        say(scene)
        time.sleep(0.2)
