"""Node for the SDK tests: the machine's where it is new enough, else one pinned by hash under `.cache/`."""

import os
import shutil
import subprocess

from .python import environment

# Of the versions that are still kept up, and the least that the identity provider of the tests runs on.
OLDEST = 22


def node_path() -> str:
    """A PATH on which `node` and `npm` are found."""
    path = os.environ.get("PATH", "")
    if _is_new_enough() and shutil.which("npm"):
        return path
    return f"{environment('node') / 'bin'}{os.pathsep}{path}"


def _is_new_enough() -> bool:
    if not shutil.which("node"):
        return False
    said = subprocess.run(["node", "--version"], capture_output=True, text=True)
    major = said.stdout.strip().removeprefix("v").split(".")[0]
    return said.returncode == 0 and major.isdigit() and int(major) >= OLDEST
