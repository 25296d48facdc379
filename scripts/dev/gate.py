"""A running `bartizan serve`, and its own commands beside it."""

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from .process import Program, Programs, answers, free_port
from .say import Failure

FIRST_KEY = re.compile(r"\bbtz_[A-Za-z0-9_]+")
START_SECONDS_MAX = 60
COMMAND_SECONDS_MAX = 60
# The gate looks for upstreams by itself. In a demo or a test it finds only what was started for it.
PROVIDER_KEYS = re.compile(r"^[A-Z_]+_API_KEY$")


@dataclass
class Ports:
    """Where it listens."""

    data: int = 8080
    control: int = 8081
    health: int = 8082

    @staticmethod
    def free() -> "Ports":
        """The defaults where nobody has them, else free ones."""
        usual = Ports()
        return Ports(free_port(usual.data), free_port(usual.control), free_port(usual.health))

    @staticmethod
    def any() -> "Ports":
        return Ports(free_port(), free_port(), free_port())

    def section(self) -> str:
        """The configuration's section that says so."""
        lines = [f"  {name}: 127.0.0.1:{port}" for name, port in vars(self).items()]
        return "\n".join(["listen:", *lines, ""])


@dataclass
class Gate:
    """One gate with a data folder of its own."""

    binary: Path
    data_dir: Path
    ports: Ports
    config: Path | None = None
    env: dict = field(default_factory=dict)
    program: Program | None = None
    key: str = ""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.data}"

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.health}"

    def serve(self, programs: Programs, log: Path) -> "Gate":
        """Starts it, waits until it is ready, and takes the virtual key it prints at its first start."""
        # Not in the folder we were called from: a `bartizan.yaml` there is somebody else's.
        log.parent.mkdir(parents=True, exist_ok=True)
        self.program = programs.start("bartizan", self._command("serve"), env=self._environment(), cwd=log.parent, log=log)
        self.program.wait_until("ready", self._is_up, START_SECONDS_MAX)
        found = FIRST_KEY.search(self.program.output)
        if not found and not self.key:
            raise Failure("bartizan printed no virtual key, so its data folder was not new", f"remove {self.data_dir}")
        self.key = found.group() if found else self.key
        return self

    def _is_up(self) -> bool:
        # The greeting is printed after the listeners answer.
        return "serves on" in self.program.output and answers(f"{self.health_url}/readyz")

    def run(self, *arguments, check: bool = True) -> subprocess.CompletedProcess:
        """Runs one of its commands on the same instance."""
        ended = subprocess.run(
            self._command(*arguments),
            env=self._environment(),
            cwd=self.data_dir.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
        )
        if check and ended.returncode != 0:
            words = " ".join(str(word) for word in arguments)
            raise Failure(f"`bartizan {words}` ended with code {ended.returncode}: {ended.stderr.strip()}")
        return ended

    def json(self, *arguments):
        """Runs a command and reads what it says to programs."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def eventually(self, *arguments, seconds_max: float = 20.0) -> subprocess.CompletedProcess:
        """Runs a command until it succeeds: records reach the store, and checkpoints cover them, a moment
        after the answer."""
        deadline = time.monotonic() + seconds_max
        while time.monotonic() < deadline:
            ended = self.run(*arguments, check=False)
            if ended.returncode == 0:
                return ended
            time.sleep(0.25)
        return self.run(*arguments)

    def _command(self, *arguments) -> list:
        config = ["--config", self.config] if self.config else []
        return [str(word) for word in [self.binary, *config, "--data-dir", self.data_dir, *arguments]]

    def _environment(self) -> dict:
        kept = {name: value for name, value in os.environ.items() if not PROVIDER_KEYS.match(name)}
        return {**kept, **self.env}
