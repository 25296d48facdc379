"""The tours of the documents, run as they stand: by command in README.md, by API in docs/tour.md."""

import os
import re
import subprocess

import pytest

import stack

PASSWORD = "quartz lantern mumbles 42"
SETUP_TOKEN = re.compile(r"\bbtzo_[A-Za-z0-9]+")
SECONDS_MAX = 240
# Where one tour begins and ends; the other is a whole document.
README_PART = re.compile(r"^### People and tenants$(.*?)^### A configuration$", re.DOTALL | re.MULTILINE)
BLOCKS = re.compile(r"^```sh$(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def fresh(programs, upstream, tmp_path):
    """A gate that nobody administers yet."""
    return stack.scripted_gate(programs, upstream, tmp_path)


def script(gate, text: str) -> str:
    """The document's commands. Only ports and the model's name are this gate's own."""
    here = {"scripted-small": "on-openai", "say hello": "say", ":8080/": f":{gate.ports.data}/", ":8081/": f":{gate.ports.control}/"}
    commands = "".join(BLOCKS.findall(text))
    for there, ours in here.items():
        commands = commands.replace(there, ours)
    return commands


def run(gate, folder, commands: str, typed: str = "") -> str:
    """Runs them in one shell that ends at the first that fails; what they print."""
    program = folder / "bin" / "bartizan"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{gate.binary}" --config "{gate.config}" --data-dir "{gate.data_dir}" "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(folder),
        "BARTIZAN_CONTROL_URL": f"http://127.0.0.1:{gate.ports.control}",
        "SETUP_TOKEN": SETUP_TOKEN.search(gate.program.output).group(),
    }
    shell = ["bash", "-euo", "pipefail", "-c", commands]
    done = subprocess.run(
        shell, input=typed, env=environment, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def came_through(said: str) -> None:
    """What both tours show on their way."""
    assert '"chat.completion"' in said
    assert "signature_replayed" in said
    assert "offboard" in said
    assert "verified" in said
    # Nobody gets in when all is over.
    assert '"credential_invalid"' in said.rstrip().splitlines()[-1]


def test_the_tour_by_command_runs_as_it_stands(fresh, tmp_path):
    part = README_PART.search((stack.ROOT / "README.md").read_text()).group(1)
    token = SETUP_TOKEN.search(fresh.program.output).group()
    commands = "bartizan ledger key > ledger.key\n" + script(fresh, part)
    came_through(run(fresh, tmp_path, commands, typed=f"{token}\n{PASSWORD}\n{PASSWORD}\n"))


def test_the_tour_by_api_runs_as_it_stands(fresh, tmp_path):
    said = run(fresh, tmp_path, script(fresh, (stack.ROOT / "docs/tour.md").read_text()))
    came_through(said)
    assert PASSWORD not in said
