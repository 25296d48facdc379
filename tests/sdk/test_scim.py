"""Provisioning (SCIM 2.0) against a tester that is not ours: `scim2-tester` reads what the service says of itself and
tries all of it."""

import json
import re
import urllib.request
from uuid import uuid4

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server, filling

import stack

PASSWORD = "quartz lantern mumbles 42"
SETUP_TOKEN = re.compile(r"\bbtzo_[A-Za-z0-9]+")
# What it tries and this service does not do, with why. Nothing else may fail or be left out.
NOT_APPLICABLE = {
    ("search_with_attributes", "User"): "POST /.search is answered with 501, which the specification has for it",
    ("search_with_attributes", "Group"): "the same",
    ("check_remove_attribute", "User", "active"): "somebody is active or is not: there is nothing in between",
}


def example(path):
    """The tester's names of users are random texts. Here a `userName` is an e-mail address, which no schema can say."""
    return f"{uuid4()}@example.com" if str(path).rsplit(":", 1)[-1] == "userName" else None


@pytest.fixture(scope="module")
def provisioning(programs, upstream, tmp_path_factory):
    """Where a tenant is provisioned, and its token."""
    gate = stack.scripted_gate(programs, upstream, tmp_path_factory.mktemp("scim"))
    base = f"http://127.0.0.1:{gate.ports.control}"

    def post(path, body=None, token=None):
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        data = json.dumps(body).encode() if body is not None else b""
        request = urllib.request.Request(f"{base}/api/v1{path}", data, headers, method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return json.load(answer)

    token = SETUP_TOKEN.search(gate.program.output).group()
    root = post("/setup", {"token": token, "email": "root@example.com", "name": "Root", "password": PASSWORD})["token"]
    tenant = post("/tenants", {"name": "acme"}, root)["id"]
    made = post(f"/tenants/{tenant}/scim", None, root)
    return f"{base}/scim/v2/{tenant}", made["address"], made["token"]


@pytest.fixture(scope="module")
def results(provisioning):
    base, address, token = provisioning
    usual = filling.get_random_example_value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filling, "get_random_example_value", lambda path: example(path) or usual(path))
        yield checked(base, address, token)


def checked(base, address, token):
    assert address.split("/scim/")[1] == base.split("/scim/")[1]
    # Addresses that the service gives are of its public name; the client stays with them.
    with httpx2.Client(base_url=address, headers={"authorization": f"Bearer {token}"}, timeout=30) as http:
        return check_server(SyncSCIMClient(http))


def why_not_applicable(result) -> str | None:
    keys = [(result.title, result.resource_type)]
    if isinstance(result.data, dict) and "urn" in result.data:
        keys.append((result.title, result.resource_type, str(result.data["urn"]).rsplit(":", 1)[-1]))
    return next((NOT_APPLICABLE[key] for key in keys if key in NOT_APPLICABLE), None)


def test_the_tester_finds_nothing_wrong(results):
    wrong = [result for result in results if result.status not in (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE)]
    unexpected = [result for result in wrong if not why_not_applicable(result)]
    assert not unexpected, "\n".join(f"{one.title} {one.resource_type}: {one.status.name} {one.reason}" for one in unexpected)


def test_the_tester_tried_everything(results):
    good = {(result.title, result.resource_type) for result in results if result.status == Status.SUCCESS}
    acts = ["object_creation", "object_query", "object_query_without_id", "object_query_with_attributes", "object_list_with_attributes"]
    acts += ["object_replacement", "object_deletion", "check_add_attribute", "check_remove_attribute", "check_replace_attribute"]
    assert {(act, kind) for act in acts for kind in ("User", "Group")} <= good
    discovery = {title for title, kind in good if kind is None}
    assert {"service_provider_config_endpoint", "query_all_schemas", "access_schema_by_id", "query_all_resource_types", "random_url"} <= discovery


def test_every_exception_is_still_one(results):
    wrong = [result for result in results if result.status not in (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE)]
    assert {why_not_applicable(result) for result in wrong} >= set(NOT_APPLICABLE.values())
