"""The official OpenAI SDK's administration client reads a tenant's usage and costs; a key asks for its own."""

import time

import httpx
import openai
import pytest

import stack
from scripted import SCRIPTS
from test_control import PASSWORD, SETUP_TOKEN

DAY_S = 86_400
SECONDS_MAX = 20
ASKED = ["cached", "say", "cached"]


@pytest.fixture(scope="module")
def own_gate(programs, upstream, tmp_path_factory):
    """A gate whose ledger holds these calls alone."""
    gate = stack.scripted_gate(programs, upstream, tmp_path_factory.mktemp("usage"))
    options = {"base_url": f"{gate.base_url}/v1", "api_key": gate.key, "max_retries": 0}
    with openai.OpenAI(**options) as client:
        for script in ASKED:
            message = {"role": "user", "content": script}
            made = client.chat.completions.with_raw_response.create(model="on-openai", messages=[message])
            stack.entry(gate, made.headers["x-request-id"])
    return gate


@pytest.fixture(scope="module")
def administration(own_gate):
    """The SDK as an administrator of the tenant that called."""
    base = f"http://127.0.0.1:{own_gate.ports.control}/api/v1"
    token = SETUP_TOKEN.search(own_gate.program.output).group()
    body = {"token": token, "email": "root@example.com", "name": "Root", "password": PASSWORD}
    session = httpx.post(f"{base}/setup", json=body).json()["token"]
    tenants = httpx.get(f"{base}/tenants", headers={"authorization": f"Bearer {session}"}).json()["items"]
    tenant = next(one["id"] for one in tenants if one["name"] == "default")
    options = {"base_url": f"{base}/tenants/{tenant}/openai", "admin_api_key": session, "max_retries": 0}
    with openai.OpenAI(**options) as client:
        yield client.admin.organization.usage


def results(page):
    """What is in the page's buckets, typed by the SDK."""
    assert page.object == "page" and all(bucket.object == "bucket" for bucket in page.data)
    return [result for bucket in page.data for result in bucket.results]


def test_agp_r2_the_sdk_reads_costs_to_the_nano_dollar(own_gate, administration):
    start = int(time.time()) - DAY_S
    page = administration.costs(start_time=start, group_by=["line_item", "api_key_id"])
    [result] = results(page)
    assert result.object == "organization.costs.result"
    assert (result.line_item, result.amount.currency) == ("on-openai", "usd")
    assert result.api_key_id.startswith("key_") and result.project_id is None
    expected = sum(stack.cost(SCRIPTS[script]) for script in ASKED)
    assert round(result.amount.value * 10**9) == expected


def test_the_sdk_reads_tokens_by_model_and_follows_pages(own_gate, administration):
    start = int(time.time()) - 2 * DAY_S
    seen, cursor = [], openai.omit
    for _ in range(5):
        page = administration.completions(start_time=start, group_by=["model", "user_id"], limit=1, page=cursor)
        assert len(page.data) == 1
        seen += results(page)
        if not page.has_more:
            break
        cursor = page.next_page
    [result] = seen
    assert result.object == "organization.usage.completions.result"
    assert (result.model, result.user_id, result.num_model_requests) == ("on-openai", None, len(ASKED))
    assert result.input_tokens == sum(SCRIPTS[script].prompt for script in ASKED)
    assert result.input_cached_tokens == sum(SCRIPTS[script].cached for script in ASKED)
    assert result.output_tokens == sum(SCRIPTS[script].output for script in ASKED)


def test_filters_the_sdk_sends_are_understood_and_others_are_refused(own_gate, administration):
    start = int(time.time()) - DAY_S
    assert results(administration.completions(start_time=start, models=["none", "neither"])) == []
    assert len(results(administration.completions(start_time=start, models=["none", "on-openai"]))) == 1
    assert results(administration.embeddings(start_time=start)) == []
    assert len(results(administration.costs(start_time=start, line_items=["on-openai"]))) == 1
    for asked in [{"batch": True}, {"group_by": ["service_tier"]}, {"bucket_width": "1m"}]:
        with pytest.raises(openai.BadRequestError):
            administration.completions(start_time=start, **asked)


def test_anp_0006_a_key_asks_what_it_used_itself(own_gate):
    key = own_gate.run("keys", "create", "--name", "another", "--all-models", "--only-key").stdout.strip()
    until = time.monotonic() + SECONDS_MAX
    while True:
        others = httpx.get(f"{own_gate.base_url}/v1/usage", headers={"authorization": f"Bearer {key}"})
        if others.status_code == 200:
            break
        assert others.status_code == 401 and time.monotonic() < until
        time.sleep(0.05)
    assert others.json()["total"]["num_model_requests"] == 0
    mine = {"authorization": f"Bearer {own_gate.key}"}
    used = httpx.get(f"{own_gate.base_url}/v1/usage?group_by=model", headers=mine).json()
    [row] = used["data"]
    assert (row["model"], row["num_model_requests"]) == ("on-openai", len(ASKED))
    assert row["cost_nanos"] == used["total"]["cost_nanos"] == sum(stack.cost(SCRIPTS[script]) for script in ASKED)
