"""How people get in, in a real browser and by a real identity provider: `python run.py`. Each file of tests has
a gate of its own, started here."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "sdk"))

import scripted  # noqa: E402
import stack  # noqa: E402
from dev import apt, chromium  # noqa: E402
from dev.process import Programs  # noqa: E402
from dev.say import Failure  # noqa: E402

SECONDS_MAX = 300
SETUP_TOKEN = re.compile(r"\bbtzo_[A-Za-z0-9]+")


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    browser = chromium.find()
    with tempfile.TemporaryDirectory(prefix="bartizan-people-") as folder, Programs() as programs, scripted.Upstream() as upstream:
        certificates = authorities(Path(folder))
        trusting = f"control:\n  sso_ca_file: {certificates['trusted']['authority']}\n"
        more = {"page": "", "sso": "", "sso_keys": trusting}
        gates = {name: gate(programs, upstream, Path(folder) / name, more[name]) for name in more}
        gates["sso_keys"]["certificates"] = certificates
        env = {
            **os.environ,
            "GATES": json.dumps(gates),
            "CHROMIUM": browser,
            # Pictures are kept where a fresh clone keeps what it makes.
            "SCREENSHOTS": str(stack.ROOT / ".cache/screenshots"),
            # What plays the person's browser trusts the private authority too.
            "NODE_EXTRA_CA_CERTS": certificates["trusted"]["authority"],
        }
        command = ["node", "--test", "--test-reporter=tap", "--test-concurrency=2"]
        return subprocess.run(command, cwd=FOLDER, env=env, stdin=subprocess.DEVNULL, timeout=SECONDS_MAX).returncode


def authorities(folder: Path) -> dict:
    """Two private authorities, and a certificate for `localhost` from each: one that the gate trusts, one it does not."""
    made = {}
    for name in ("trusted", "stranger"):
        ca, key, chain = (folder / f"{name}-{part}.pem" for part in ("ca", "key", "chain"))
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
        openssl([*new, "-subj", f"/CN=the {name} authority", "-keyout", f"{ca}.key", "-out", ca])
        leaf = ["-CA", ca, "-CAkey", f"{ca}.key", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        openssl([*new, *leaf, "-addext", "basicConstraints=critical,CA:false", "-keyout", key, "-out", chain])
        made[name] = {"authority": str(ca), "key": str(key), "chain": str(chain)}
    return made


def openssl(command: list) -> None:
    if not shutil.which("openssl"):
        apt.install("openssl")
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if ended.returncode != 0:
        raise Failure(f"no certificates: {ended.stderr.strip()}")


def gate(programs: Programs, upstream: scripted.Upstream, folder: Path, more: str) -> dict:
    """A gate nobody administers yet: where its page is, and its one-time token."""
    folder.mkdir()
    started = stack.scripted_gate(programs, upstream, folder, more)
    token = SETUP_TOKEN.search(started.program.output).group()
    url = f"http://localhost:{started.ports.control}"
    link = f"{url}/#setup={token}"
    if link not in started.program.output:
        raise Failure("bartizan printed no setup link", f"it should print {link}")
    return {"url": url, "token": token}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        failure.show()
        sys.exit(1)
