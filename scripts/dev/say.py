"""What a person sees: steps, facts, and errors that say what to do next."""

import sys
import time


class Failure(Exception):
    """A step that failed. `hint` is what to do next."""

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.hint = hint

    def show(self) -> None:
        say(f"error: {self}", to=sys.stderr)
        if self.hint:
            say(f"hint: {self.hint}", to=sys.stderr)


def say(text: str = "", end: str = "\n", to=None) -> None:
    """Prints at once: whoever waits for a build wants to see where it is."""
    stream = to or sys.stdout
    stream.write(text + end)
    stream.flush()


class step:
    """A named piece of work, with the time it took: `with step("building"): …`."""

    def __init__(self, title: str):
        self.title = title

    def __enter__(self) -> "step":
        self.begun = time.monotonic()
        say(f"==> {self.title}")
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is None:
            say(f"    done in {took(self.begun)}")


def took(begun: float) -> str:
    """The time since `begun`, for people."""
    seconds = time.monotonic() - begun
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
