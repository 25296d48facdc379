"""Python packages, pinned by hash, each set in an environment of its own under `.cache/`.

Nothing is installed into the system. An environment is made once for one lock file.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .process import complete
from .say import Failure, say

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
REQUIREMENTS = ROOT / "requirements"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
INSTALL_SECONDS_MAX = 1200
OFFLINE = "is the package index reachable? set PIP_INDEX_URL and UV_INDEX_URL if it is behind a mirror"


def environment(name: str, *, dependencies: bool = True) -> Path:
    """The folder of the environment that `requirements/NAME.txt` locks, installed if it is not there yet."""
    lock = REQUIREMENTS / f"{name}.txt"
    folder = CACHE / "python" / name
    done, digest = folder / "installed", hashlib.sha256(lock.read_bytes()).hexdigest()
    if done.is_file() and done.read_text() == digest and (folder / "bin/python").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    uv = find_uv()
    _run([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, folder], f"no environment in {folder}")
    # Hashes of everything, and nothing that has to be built: what runs is what was locked.
    install = [uv, "pip", "install", "--python", folder, "--require-hashes", "--only-binary", ":all:"]
    install += [] if dependencies else ["--no-deps"]
    _run([*install, "-r", lock], f"the packages of {lock.relative_to(ROOT)} could not be installed")
    done.write_text(digest)
    return folder


def find_uv() -> str:
    """uv: the machine's, else our own, pinned. It installs in seconds what pip takes minutes for."""
    own = CACHE / "python" / "uv" / "bin" / "uv"
    found = shutil.which("uv")
    if found and _works(found):
        return found
    if own.exists() and _works(own):
        return str(own)
    folder = own.parents[1]
    shutil.rmtree(folder, ignore_errors=True)
    say("    installing uv")
    _make_venv(folder)
    pip = [folder / "bin/python", "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--only-binary", ":all:"]
    _run([*pip, "--require-hashes", "-r", REQUIREMENTS / "uv.txt"], "uv could not be installed")
    return str(own)


def _make_venv(folder: Path) -> None:
    made = subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True, text=True)
    if made.returncode == 0:
        return
    # Debian keeps `venv` in a package of its own.
    if os.geteuid() == 0 and shutil.which("apt-get"):
        from .apt import install

        install("python3-venv")
        made = subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True, text=True)
    if made.returncode != 0:
        raise Failure("python cannot make virtual environments", "apt-get install python3-venv, or install uv")


def _works(uv) -> bool:
    return subprocess.run([uv, "--version"], capture_output=True).returncode == 0


def _run(command: list, failure: str) -> None:
    env = os.environ.copy()
    if Path(CERTIFICATES).exists():
        env.setdefault("SSL_CERT_FILE", CERTIFICATES)
    env.setdefault("UV_HTTP_TIMEOUT", "180")
    if complete(command, INSTALL_SECONDS_MAX, env) != 0:
        raise Failure(failure, OFFLINE)
