"""Packages of the system, installed only when they are missing and we may."""

import os
import shutil

from .process import complete
from .say import Failure, say

INSTALL_SECONDS_MAX = 900
_updated = False


def install(*packages: str) -> None:
    """Installs them, or says what to run."""
    wanted = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failure(f"not installed: {wanted}", f"sudo apt-get install {wanted}")
    say(f"    installing {wanted}")
    global _updated
    if not _updated:
        _apt("update")
        _updated = True
    _apt("install", "--yes", "--no-install-recommends", *packages)


def _apt(*arguments: str) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "--quiet=2", *arguments]
    if complete(command, INSTALL_SECONDS_MAX, env) != 0:
        raise Failure(f"`{' '.join(command)}` failed")
