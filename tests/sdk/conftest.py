"""Fixtures: the two gates, started once, and the official clients that talk to them."""

import os
import time

# Before any client is made: loopback is never behind a proxy, and no key of the machine's is used.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
for name in [name for name in os.environ if name.startswith(("OPENAI_", "ANTHROPIC_"))]:
    del os.environ[name]

import anthropic
import httpx
import openai
import pytest

import scripted
import stack
from dev.process import Programs

TIMEOUT_SECONDS = 60
# The dialect that a model's upstream speaks. Both kinds of client are tested with both.
UPSTREAMS = ["on-openai", "on-anthropic"]


@pytest.fixture(scope="session")
def programs():
    with Programs() as programs:
        yield programs


@pytest.fixture(scope="session")
def upstream():
    with scripted.Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def gate(programs, upstream, tmp_path_factory):
    """In front of the scripted upstream."""
    return stack.scripted_gate(programs, upstream, tmp_path_factory.mktemp("scripted"))


@pytest.fixture(scope="session")
def real(programs, tmp_path_factory):
    """In front of a real model."""
    return stack.real_gate(programs, tmp_path_factory.mktemp("real"))


@pytest.fixture(params=UPSTREAMS)
def model(request) -> str:
    """Each upstream in turn."""
    return request.param


def openai_options(gate, key=None) -> dict:
    return {"base_url": f"{gate.base_url}/v1", "api_key": key or gate.key, "max_retries": 0, "timeout": TIMEOUT_SECONDS}


def anthropic_options(gate, key=None) -> dict:
    return {"base_url": gate.base_url, "api_key": key or gate.key, "max_retries": 0, "timeout": TIMEOUT_SECONDS}


@pytest.fixture
def openai_client(gate):
    with openai.OpenAI(**openai_options(gate)) as client:
        yield client


@pytest.fixture
def anthropic_client(gate):
    with anthropic.Anthropic(**anthropic_options(gate)) as client:
        yield client


@pytest.fixture(scope="session")
def keys(gate):
    """Keys made by the gate's own command, by name."""
    made = {}

    def make(name: str, *options: str) -> str:
        if name not in made:
            made[name] = gate.run("keys", "create", "--name", name, *options, "--only-key").stdout.strip()
            heard_of(gate, made[name])
        return made[name]

    return make


def heard_of(gate, key: str) -> None:
    """Waits until the gate, which looks for new keys every moment, knows this one."""
    until = time.monotonic() + 10
    while httpx.get(f"{gate.base_url}/v1/models", headers={"authorization": f"Bearer {key}"}).status_code == 401:
        assert time.monotonic() < until, "the gate does not hear of a new key"
        time.sleep(0.02)
