"""A PostgreSQL server for one test run: on a temporary folder and a free loopback port, gone afterwards."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from . import apt
from .process import Programs, free_port
from .say import Failure

PROGRAMS = Path("/usr/lib/postgresql")
START_SECONDS_MAX = 60
# Fast and forgetful, with room for many tests at once. SCRAM costs an unoptimised client a tenth of a second
# for each connection; this server lives on loopback for minutes.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "password_encryption": "md5",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "300",
}


class Postgres:
    """`with Postgres(programs) as url: …`: an owner's URL, good for making and dropping databases."""

    def __init__(self, programs: Programs):
        self._programs = programs
        self._bin = _find()
        self._folder = Path(tempfile.mkdtemp(prefix="bartizan-postgres-"))

    def __enter__(self) -> str:
        owner = _server_user()
        if owner:
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        password, port = secrets.token_hex(16), free_port()
        (self._folder / "password").write_text(password)
        self._initialise()
        command = [self._bin / "postgres", "-D", self._folder / "data", "-k", self._folder, "-p", port]
        command += [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        # setpriv changes the user without staying in between: the process we stop is the server. Its interrupt
        # is a stop that waits for no client.
        server = self._programs.start("postgres", [*_as_server_user(owner, setpriv=True), *command], cwd="/", log=self._folder / "log", stop=signal.SIGINT)
        ready = [self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        server.wait_until("ready", lambda: subprocess.run(ready).returncode == 0, START_SECONDS_MAX)
        self._server = server
        return f"postgres://postgres:{password}@127.0.0.1:{port}/postgres"

    def _initialise(self) -> None:
        command = [self._bin / "initdb", "-D", self._folder / "data", f"--pwfile={self._folder / 'password'}"]
        command += ["--username=postgres", "--auth=md5", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run([*_as_server_user(_server_user()), *command], cwd="/", capture_output=True, text=True)
        if made.returncode != 0:
            raise Failure(f"initdb failed: {made.stderr.strip()}")

    def __exit__(self, *_) -> None:
        self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _find() -> Path:
    if not any(PROGRAMS.glob("*/bin/initdb")):
        apt.install("postgresql")
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise Failure("PostgreSQL is not installed", "apt-get install postgresql")
    return found[-1].parent


def _server_user():
    """The server refuses to run as root; Debian's package makes a user for it."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def _as_server_user(user, setpriv: bool = False) -> list:
    if user is None:
        return []
    if setpriv:
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=INT", "--"]
    return ["runuser", "-u", "postgres", "--"]
