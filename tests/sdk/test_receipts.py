"""Receipts, with the verifier of docs/evidence.md as it stands there, on what the official SDKs got (AGP-T2)."""

import base64
import re
import types

import httpx
import openai
import anthropic
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import stack
from conftest import anthropic_options, openai_options
from test_records import await_key


@pytest.fixture(scope="module")
def documented() -> types.ModuleType:
    """The Python of docs/evidence.md that verifies an answer."""
    text = (stack.ROOT / "docs/evidence.md").read_text()
    found = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (code,) = [code for code in found if "def verify(" in code]
    assert len(code.splitlines()) <= 60, "the verifier is no longer short"
    module = types.ModuleType("documented")
    exec(compile(code, "docs/evidence.md", "exec"), module.__dict__)
    return module


@pytest.fixture(scope="module")
def proved(gate, keys) -> str:
    key = keys("proved", "--all-models", "--receipts")
    with openai.OpenAI(**openai_options(gate, key)) as client:
        await_key(client)
    return key


def ask(gate, key: str, dialect: str, words: str = "say") -> httpx.Response:
    body = {"model": f"on-{dialect}", "max_tokens": 200, "messages": [{"role": "user", "content": words}]}
    if dialect == "openai":
        with openai.OpenAI(**openai_options(gate, key)) as client:
            return client.chat.completions.with_raw_response.create(**body).http_response
    with anthropic.Anthropic(**anthropic_options(gate, key)) as client:
        return client.messages.with_raw_response.create(**body).http_response


def held(documented, ledger: str, got: httpx.Response, **changed) -> None:
    said = {"status": got.status_code, "headers": got.headers, "body": got.content, "request": got.request} | changed
    documented.verify(ledger, **said)


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_agp_t2_what_the_sdk_got_is_what_the_gate_gave(gate, documented, proved, dialect):
    ledger = gate.run("ledger", "key").stdout
    got, other = ask(gate, proved, dialect), ask(gate, proved, dialect, "cached")
    for answer in (got, other):
        held(documented, ledger, answer)

    def refused(why, **changed):
        with pytest.raises(documented.Changed, match=why):
            held(documented, ledger, got, **changed)

    def but(name, value):
        headers = httpx.Headers(got.headers)
        headers[name] = value
        return headers

    refused("another body", body=got.content.replace(b"a", b"e"))
    refused("another request", request=other.request)
    refused("does not fit", status=201)
    refused("does not fit", headers=but("x-bartizan-target", "elsewhere/m"))
    refused("does not fit", headers=but("x-bartizan-model", "finer"))
    refused("does not fit", headers=but("x-request-id", other.headers["x-request-id"]))
    refused("does not fit", headers=but("signature", other.headers["signature"]))
    refused("not signed", headers=but("signature-input", ""))
    refused("not signed", headers=but("signature-input", got.headers["signature-input"].replace('"x-bartizan-target" ', "")))
    refused("old answer", max_age=-10)


def test_agp_t2_a_stranger_s_signature_is_refused(gate, documented, proved):
    got = ask(gate, proved, "openai")
    name, _, _ = gate.run("ledger", "key").stdout.strip().split("+", 2)
    own = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    of_gate = re.search(r'keyid="[^"+]+\+([0-9a-f]+)"', got.headers["signature-input"])[1]
    public = base64.b64encode(b"\x01" + own).decode()
    with pytest.raises(documented.Changed, match="another key"):
        held(documented, f"{name}+00000000+{public}", got)
    with pytest.raises(documented.Changed, match="does not fit"):
        held(documented, f"{name}+{of_gate}+{public}", got)


def test_agp_t2_who_does_not_ask_for_receipts_gets_none(gate, documented):
    got = ask(gate, gate.key, "openai")
    assert "signature" not in got.headers and "content-digest" not in got.headers
    with pytest.raises(documented.Changed, match="not signed"):
        held(documented, gate.run("ledger", "key").stdout, got)
