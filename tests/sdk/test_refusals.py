"""What the clients raise when the gate or the provider says no."""

import anthropic
import openai
import pytest

from conftest import anthropic_options, openai_options
from scripted import REASONS

CLIENTS = ["openai", "anthropic"]


class Caller:
    """One of the two clients, as far as refusals go: the same call, the same names of exceptions."""

    def __init__(self, kind: str, gate):
        self.kind, self.gate = kind, gate
        self.errors = {"openai": openai, "anthropic": anthropic}[kind]

    def call(self, model: str = "on-openai", text: str = "say", key: str | None = None, **more):
        messages = [{"role": "user", "content": text}]
        if self.kind == "openai":
            with openai.OpenAI(**openai_options(self.gate, key)) as client:
                return client.chat.completions.create(model=model, messages=messages, **more)
        with anthropic.Anthropic(**anthropic_options(self.gate, key)) as client:
            return client.messages.create(model=model, messages=messages, max_tokens=100, **more)

    def refused(self, error: str, **call):
        """The exception, which has to be of the named class."""
        kind = getattr(self.errors, error)
        with pytest.raises(kind) as raised:
            self.call(**call)
        # Not a subclass's stranger: the very class, or one that the client counts as such.
        assert raised.value.request_id.startswith("req_")
        return raised.value

    def code(self, raised) -> str:
        """The gate's stable code in OpenAI's shape, the kind of error in Anthropic's."""
        return raised.code if self.kind == "openai" else raised.body["error"]["type"]


@pytest.fixture(params=CLIENTS)
def caller(request, gate) -> Caller:
    return Caller(request.param, gate)


def test_anp_0001_a_key_that_is_not_ours(caller):
    for key in ["btz_" + "A" * 48, "sk-something-else"]:
        raised = caller.refused("AuthenticationError", key=key)
        assert caller.code(raised) == {"openai": "credential_invalid", "anthropic": "authentication_error"}[caller.kind]


def test_agp_s1_a_revoked_key(caller, gate, keys):
    name = f"revoked-{caller.kind}"
    key = keys(name, "--all-models")
    wait_for(caller, key)
    gate.run("keys", "revoke", name)
    eventually_refused(caller, key)


def wait_for(caller, key):
    """A new key is known within a second."""
    import time

    deadline = time.monotonic() + 10
    while True:
        try:
            return caller.call(key=key)
        except caller.errors.AuthenticationError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def eventually_refused(caller, key):
    import time

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            caller.call(key=key)
        except caller.errors.AuthenticationError:
            return
        time.sleep(0.1)
    raise AssertionError("a revoked key was still good after 10 s")


def test_no_such_model(caller):
    raised = caller.refused("NotFoundError", model="no-such-model")
    assert caller.code(raised) == {"openai": "model_not_found", "anthropic": "not_found_error"}[caller.kind]


def test_agp_e1_a_model_of_others_is_not_there(caller, keys):
    key = keys("only-anthropic", "--models", "on-anthropic")
    eventually(lambda: caller.call(model="on-anthropic", key=key), caller)
    raised = caller.refused("NotFoundError", model="on-openai", key=key)
    assert "on-openai" in str(raised)


def test_agp_e1_an_operation_that_is_not_allowed(caller, keys):
    key = keys("embeds-only", "--all-models", "--operations", "embeddings")
    eventually(lambda: openai.OpenAI(**openai_options(caller.gate, key)).embeddings.create(model="embed", input="x"), caller)
    caller.refused("PermissionDeniedError", key=key)


def test_agp_d1_too_many_requests(caller, keys):
    key = keys(f"slow-{caller.kind}", "--all-models", "--rpm", "1")
    wait_for(caller, key)
    raised = caller.refused("RateLimitError", key=key)
    assert int(raised.response.headers["retry-after"]) >= 1
    assert caller.code(raised) == {"openai": "rate_limited", "anthropic": "rate_limit_error"}[caller.kind]


def test_agp_d1_a_budget_that_is_spent(caller, keys):
    key = keys(f"poor-{caller.kind}", "--all-models", "--budget", "0.000001")
    raised = eventually_raises(caller, key, status=402)
    assert caller.code(raised) == {"openai": "budget_exhausted", "anthropic": "billing_error"}[caller.kind]


def eventually(act, caller):
    """Until the new key has reached the gate."""
    import time

    deadline = time.monotonic() + 10
    while True:
        try:
            return act()
        except (openai.AuthenticationError, anthropic.AuthenticationError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def eventually_raises(caller, key, status: int):
    with pytest.raises(caller.errors.APIStatusError) as raised:
        eventually(lambda: caller.call(key=key), caller)
    assert raised.value.status_code == status
    return raised.value


def test_a_request_that_is_none(caller):
    raised = caller.refused("BadRequestError", extra_body={"messages": "hello"})
    assert caller.code(raised) == {"openai": "request_invalid", "anthropic": "invalid_request_error"}[caller.kind]


def test_agp_d2_a_body_beyond_the_limit(caller):
    with pytest.raises(caller.errors.APIStatusError) as raised:
        caller.call(text="x" * (17 << 20))
    assert raised.value.status_code == 413


def test_the_provider_refuses_the_request(caller, model):
    raised = caller.refused("BadRequestError", model=model, text="error 400")
    assert REASONS[400][1] in str(raised)


def test_agp_i1_the_providers_word_on_our_credential_is_not_passed_on(caller, model):
    raised = caller.refused("InternalServerError", model=model, text="error 401")
    assert raised.status_code == 502
    assert "sk-scripted" not in str(raised.body)


def test_the_provider_limits_the_rate(caller, model):
    raised = caller.refused("RateLimitError", model=model, text="error 429")
    assert REASONS[429][1] in str(raised)


@pytest.mark.parametrize("status", [500, 529])
def test_the_provider_fails(caller, model, status):
    raised = caller.refused("InternalServerError", model=model, text=f"error {status}")
    assert raised.status_code in (502, 503)
    assert REASONS[status][1] not in str(raised), "a provider's insides are not the caller's business"
