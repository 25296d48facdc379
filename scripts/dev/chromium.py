"""Chromium, the browser that the tests of the control plane's page drive: the machine's, else Debian's package."""

import shutil

from . import apt
from .say import Failure

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find() -> str:
    """The browser's program."""
    return _there() or _installed()


def _there() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path), None)


def _installed() -> str:
    apt.install("chromium")
    found = _there()
    if not found:
        raise Failure("Chromium is not installed", "apt-get install chromium")
    return found
