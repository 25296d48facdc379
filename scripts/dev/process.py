"""Programs that run beside us: started here, watched, and stopped by their own process id.

Nothing is ever stopped by name. The kernel ends them too if we are killed ourselves.
"""

import collections
import ctypes
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from .say import Failure, say

STOP_SECONDS_MAX = 15.0
LOG_LINES_MAX = 2000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _with_us_or_not_at_all(parent: int):
    """For the new process before it becomes the program: in a session of its own, so that Ctrl-C reaches us
    and not it, and ended by the kernel when we end."""

    def prepare() -> None:
        os.setsid()
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


class Program:
    """One running program. Its output is kept in memory, the last lines of it, and in `log` where given."""

    def __init__(self, name: str, command: list, env: dict | None = None, cwd=None, log: Path | None = None, stop=signal.SIGTERM):
        self.name = name
        self._stop = stop
        self.log = log
        self.lines: collections.deque[str] = collections.deque(maxlen=LOG_LINES_MAX)
        self._err = open(log, "ab") if log else subprocess.DEVNULL
        try:
            self.child = subprocess.Popen(
                [str(word) for word in command],
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._err,
                text=True,
                errors="replace",
                preexec_fn=_with_us_or_not_at_all(os.getpid()),
            )
        except OSError as error:
            raise Failure(f"{name} cannot be started: {error}") from None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        """What it wrote to standard output so far."""
        return "\n".join(list(self.lines))

    @property
    def runs(self) -> bool:
        return self.child.poll() is None

    def wait_until(self, what: str, ready, seconds_max: float) -> None:
        """Waits until `ready()`; fails when the program ends first, or when it takes too long."""
        deadline = time.monotonic() + seconds_max
        while not ready():
            if not self.runs:
                raise Failure(f"{self.name} ended with code {self.child.returncode}{self.last_words()}", self._where())
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} did not get {what} within {seconds_max:.0f} s{self.last_words()}", self._where())
            time.sleep(0.05)

    def last_words(self, lines_max: int = 15) -> str:
        """The end of what it wrote to its log."""
        self._reader.join(timeout=0.2)
        text = self.log.read_text(errors="replace").splitlines()[-lines_max:] if self.log else []
        return "".join(f"\n    | {line}" for line in text)

    def _where(self) -> str:
        return f"its log is {self.log}" if self.log else ""

    def stop(self, seconds_max: float = STOP_SECONDS_MAX) -> None:
        """Asks it to end, and ends it if it does not. The pipe is closed whatever happened."""
        if self.runs:
            self.child.send_signal(self._stop)
            try:
                self.child.wait(seconds_max)
            except subprocess.TimeoutExpired:
                say(f"    {self.name} did not stop within {seconds_max:.0f} s and is killed")
                self.child.kill()
                self.child.wait()
        self._reader.join(timeout=1)
        if self._err is not subprocess.DEVNULL:
            self._err.close()


def complete(command: list, seconds_max: float, env: dict | None = None, cwd=None) -> int:
    """Runs a command to its end, its output shown, and returns its code. If it takes too long or we are
    stopped, it is ended with all that it started itself."""
    words = [str(word) for word in command]
    child = subprocess.Popen(words, env=env, cwd=cwd, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return child.wait(seconds_max)
    except subprocess.TimeoutExpired:
        raise Failure(f"`{' '.join(words[:3])} …` took more than {seconds_max / 60:.0f} minutes") from None
    finally:
        end_group(child)


def end_group(child: subprocess.Popen) -> None:
    """Ends a process that leads a session of its own, with all of its session, if it still runs."""
    if child.poll() is not None:
        return
    os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


class Programs:
    """Everything that was started, stopped in the opposite order: `with Programs() as programs: …`."""

    def __init__(self) -> None:
        self._running: list[Program] = []

    def start(self, *arguments, **options) -> Program:
        program = Program(*arguments, **options)
        self._running.append(program)
        return program

    def __enter__(self) -> "Programs":
        return self

    def __exit__(self, *_) -> None:
        # A second Ctrl-C must not leave half of them running.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            while self._running:
                self._running.pop().stop()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)


def free_port(preferred: int = 0) -> int:
    """The preferred loopback port if nobody has it, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise Failure("no loopback port is free")


def answers(url: str) -> bool:
    """Whether a GET of it is answered with 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as response:
            return response.status == 200
    except (OSError, urllib.error.URLError):
        return False
