"""Calls of reviewed prompt templates by the official clients: OpenAI's field `prompt`, in both dialects."""

import re
import time

import anthropic
import httpx
import openai
import pytest

import stack
from conftest import anthropic_options, openai_options
from scripted import SCRIPTS

PASSWORD = "quartz lantern mumbles 42"
SETUP_TOKEN = re.compile(r"\bbtzo_[A-Za-z0-9]+")
TEMPLATE = {
    "messages": [{"role": "system", "text": "Be brief."}, {"role": "user", "text": "{{what}}"}],
    "variables": {"what": {"chars_max": 100}},
    "cases": [{"name": "says it", "variables": {"what": "say"}, "must_contain": ["say"]}],
}
PROMPT = {"id": "brief", "variables": {"what": "say"}}


@pytest.fixture(scope="module")
def published(programs, upstream, tmp_path_factory):
    """A gate whose first tenant has a template that two people brought there."""
    gate = stack.scripted_gate(programs, upstream, tmp_path_factory.mktemp("prompts"))
    base = f"http://127.0.0.1:{gate.ports.control}/api/v1"

    def ask(token, method, path, body=None, status=200):
        headers = {"if-match": "*"} | ({"authorization": f"Bearer {token}"} if token else {})
        answer = httpx.request(method, base + path, json=body, headers=headers, trust_env=False)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    token = SETUP_TOKEN.search(gate.program.output).group()
    body = {"token": token, "email": "root@example.com", "name": "Root", "password": PASSWORD}
    root = ask(None, "POST", "/setup", body, 201)["token"]
    tenant = next(one for one in ask(root, "GET", "/tenants")["items"] if one["name"] == "default")["id"]
    invited = ask(root, "POST", f"/tenants/{tenant}/users", {"email": "bob@example.com", "name": "Bob"}, 201)
    body = {"tenant": tenant, "email": "bob@example.com", "token": invited["setup_token"], "password": PASSWORD}
    ask(None, "POST", "/password", body, 204)
    holder = invited.get("user", invited)["id"]
    ask(root, "POST", f"/tenants/{tenant}/grants", {"holder": holder, "role": "tenant_admin"}, 201)
    body = {"tenant": tenant, "email": "bob@example.com", "password": PASSWORD}
    bob = ask(None, "POST", "/sessions", body, 201)["token"]
    path = f"/tenants/{tenant}/prompts/brief"
    ask(root, "PUT", path, TEMPLATE)
    ask(root, "POST", f"{path}/versions/1/submit")
    ask(root, "POST", f"{path}/versions/1/approve", {"note": "mine"}, 403)
    ask(bob, "POST", f"{path}/versions/1/approve", {"note": "read it"})
    return gate


@pytest.fixture
def client(published):
    client = openai.OpenAI(**openai_options(published))
    for _ in range(100):
        try:
            client.chat.completions.create(model="on-openai", messages=[], extra_body={"prompt": PROMPT})
            return client
        except openai.NotFoundError:
            time.sleep(0.1)
    raise AssertionError("the template is not in use in time")


@pytest.mark.parametrize("streamed", [False, True])
def test_anp_b0009_a_published_template_is_a_call(client, upstream, model, streamed):
    made = client.chat.completions.create(model=model, messages=[], stream=streamed, extra_body={"prompt": PROMPT})
    if streamed:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in made if chunk.choices)
    else:
        text = made.choices[0].message.content
    assert text == SCRIPTS["say"].text


def test_anp_b0009_the_same_in_anthropics_dialect(client, published, model):
    other = anthropic.Anthropic(**anthropic_options(published))
    made = other.messages.create(model=model, max_tokens=64, messages=[], extra_body={"prompt": PROMPT})
    assert made.content[0].text == SCRIPTS["say"].text


def test_anp_0021_what_cannot_be_used_is_told_as_the_clients_know_it(client):
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="on-openai", messages=[], extra_body={"prompt": {"id": "none"}})
    assert refused.value.code == "prompt_not_found"
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="on-openai", messages=[], extra_body={"prompt": {"id": "brief"}})
    assert refused.value.code == "prompt_invalid"
