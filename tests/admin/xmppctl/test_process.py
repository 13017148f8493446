"""xmppctl as a process of its own: straight on the store, and quick where a server answers."""

import json
import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import xmppd
from tests.temporary import temporary_folder

ROOT = Path(xmppd.__file__).parent.parent
HEAVY = ("twisted", "pydantic", "rich", "OpenSSL", "xmppd.core")
"""What a call that only asks the server must not load."""


class StoreTests(SynchronousTestCase):
    """Accounts without a server. Each call is a process, so these are few."""

    def setUp(self) -> None:
        """A data folder that is named, and not there yet."""
        self.data_dir = temporary_folder(self) / "data"

    def run_xmppctl(self, *args: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run xmppctl as a process."""
        return subprocess.run(
            [sys.executable, "-m", "xmppd.admin.xmppctl", *args],
            input=typed,
            env={**os.environ, "XMPPD_DATA": str(self.data_dir), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def expect(self, output: str, *args: str, typed: str = "") -> None:
        """Run xmppctl, which must succeed and say just this."""
        done = self.run_xmppctl(*args, typed=typed)
        self.assertEqual((done.returncode, done.stderr, done.stdout), (0, "", output))

    def test_life_of_an_account(self) -> None:
        """Added, listed, given another password, disabled and removed; the data folder is made, for its owner alone."""
        self.expect("alice@localhost added\n", "user", "add", "alice", "--password-stdin", typed="one\n")
        self.assertEqual(self.data_dir.stat().st_mode & 0o777, 0o700)
        self.expect(
            "the password of alice@localhost is changed\n", "user", "passwd", "alice", "--password", "two"
        )
        self.expect("alice@localhost disabled\n", "user", "disable", "alice@localhost")
        listed = json.loads(self.run_xmppctl("user", "list", "--json").stdout)
        self.assertEqual([(each["jid"], each["disabled"]) for each in listed], [("alice@localhost", True)])
        self.expect("alice@localhost removed\n", "user", "del", "alice@localhost")

    def test_quick(self) -> None:
        """Asking the server loads neither Twisted nor the configuration's models (``xmppctl status`` in < 0.3 s)."""
        code = "import sys, xmppd.admin.xmppctl; print(*sys.modules)"
        loaded = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        )
        self.assertEqual([name for name in loaded.stdout.split() if name.startswith(HEAVY)], [])
