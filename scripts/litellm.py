#!/usr/bin/env python3
"""`make litellm`: LiteLLM's own proxy, with the hook of `examples/litellm`, in front of a scripted provider and beside a gate.

Apart from `make test`, for it installs some 700 MB of packages.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from dev.python import ROOT, environment  # noqa: E402


def main() -> int:
    if subprocess.run(["cargo", "build", "-p", "bartizan"], cwd=ROOT).returncode != 0:
        return 1
    python = environment("litellm") / "bin/python"
    return subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", ROOT / "tests/litellm"]).returncode


if __name__ == "__main__":
    sys.exit(main())
