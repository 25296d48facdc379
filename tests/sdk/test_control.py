"""A client that a foreign generator makes of the OpenAPI document works against a real control plane."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import stack

PASSWORD = "quartz lantern mumbles 42"
SETUP_TOKEN = re.compile(r"\bbtzo_[A-Za-z0-9]+")


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The package that the generator writes."""
    folder = tmp_path_factory.mktemp("generated")
    settings = folder / "settings.yaml"
    settings.write_text("post_hooks: []\n")
    generator = Path(sys.executable).parent / "openapi-python-client"
    command = [generator, "generate", "--path", stack.ROOT / "openapi/v1.json", "--meta", "none"]
    command += ["--output-path", folder / "control_client", "--config", settings]
    made = subprocess.run(command, capture_output=True, text=True, timeout=120)
    said = made.stdout + made.stderr
    assert made.returncode == 0 and "arning" not in said, said
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"control_client.{name}")
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def session(generated, programs, upstream, tmp_path_factory):
    """A client that is signed in as the first administrator, all by generated code."""
    gate = stack.scripted_gate(programs, upstream, tmp_path_factory.mktemp("control"))
    base = f"http://127.0.0.1:{gate.ports.control}"
    set_up = generated("api.sessions.sessions_set_up")
    models = generated("models")
    token = SETUP_TOKEN.search(gate.program.output).group()
    body = models.SetUp(token=token, email="root@example.com", name="Root", password=PASSWORD)
    client = generated("client")
    made = set_up.sync(client=client.Client(base_url=base), body=body)
    assert isinstance(made, models.NewSession), made
    return client.AuthenticatedClient(base_url=base, token=made.token)


def test_a_generated_client_makes_a_tenant_and_reads_its_configuration(generated, session):
    models = generated("models")
    made = generated("api.tenants.tenants_create").sync(client=session, body=models.NewTenant(name="acme"))
    assert isinstance(made, models.TenantView), made
    assert made.name == "acme" and made.state == "active"
    listed = generated("api.tenants.tenants_list").sync(client=session)
    assert made.id in [tenant.id for tenant in listed.items]
    show = generated("api.configuration.configuration_show").sync(made.id, client=session)
    assert show.tenant.name == "acme" and show.teams == []


def test_a_generated_client_applies_a_configuration(generated, session):
    models = generated("models")
    tenant = generated("api.tenants.tenants_create").sync(client=session, body=models.NewTenant(name="applied"))
    wanted = models.Configuration.from_dict({"tenant": {"name": "applied"}, "teams": [{"name": "research"}]})
    apply = generated("api.configuration.configuration_apply")
    for steps in [1, 0]:
        done = apply.sync(tenant.id, client=session, body=wanted, if_match="*")
        assert isinstance(done, models.Applied), done
        assert len(done.steps) == steps
    listed = generated("api.teams.teams_list").sync(tenant.id, client=session)
    assert [team.name for team in listed.items] == ["research"]
    people = models.NewUser(email="ann@example.com", name="Ann")
    assert isinstance(generated("api.users.users_create").sync(tenant.id, client=session, body=people), models.Invitation)
    users = generated("api.users.users_list").sync(tenant.id, client=session)
    assert [str(user.state) for user in users.items] == ["active"]


def test_a_generated_client_understands_a_problem(generated, session):
    models = generated("models")
    answer = generated("api.tenants.tenants_show").sync("tnt_nothing", client=session)
    assert isinstance(answer, models.Problem)
    assert answer.status == 404 and str(answer.code) == "not_found"
