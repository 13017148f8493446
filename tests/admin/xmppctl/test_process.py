"""xmppctl straight on the store, and as a process of its own, quick where a server answers."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from twisted.trial.unittest import SynchronousTestCase

import xmppd
from tests.forked import xmppctl
from tests.temporary import temporary_folder

ROOT = Path(xmppd.__file__).parent.parent
HEAVY = ("twisted", "rich", "OpenSSL", "xmppd.config", "xmppd.services", "xmppd.storage")
"""What a call that only asks the server must not load."""


class StoreTests(SynchronousTestCase):
    """Accounts without a server."""

    def setUp(self) -> None:
        """A data folder that is named, and not there yet."""
        self.folder = temporary_folder(self)
        self.data_dir = self.folder / "data"

    def run_xmppctl(self, *args: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run xmppctl."""
        return xmppctl(*args, folder=self.folder, typed=typed, environment={"XMPPD_DATA": str(self.data_dir)})

    def expect(self, output: str, *args: str, typed: str = "", is_begin: bool = False) -> None:
        """Run xmppctl, which must succeed and say just this, or begin with it."""
        done = self.run_xmppctl(*args, typed=typed)
        said = done.stdout[: len(output)] if is_begin else done.stdout
        self.assertEqual((done.returncode, done.stderr, said), (0, "", output))

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
        self.expect("alice@localhost removed\n", "user", "del", "--now", "alice@localhost")

    def test_grace(self) -> None:
        """Removed, not to be made again, and brought back, without a server."""
        self.run_xmppctl("user", "add", "alice", "--password", "x")
        self.assertIn("alice@localhost removed; erased on ", self.run_xmppctl("user", "del", "alice").stdout)
        again = self.run_xmppctl("user", "add", "alice", "--password", "y")
        self.assertIn("to have it back: xmppctl user restore alice@localhost", again.stderr)
        self.expect("alice@localhost is back, with all its data\n", "user", "restore", "alice")

    def test_before_the_first_start(self) -> None:
        """The folders around the data are made as the server makes them."""
        self.data_dir = self.data_dir / "deep" / "er"
        self.expect("alice@localhost added\n", "user", "add", "alice", "--password", "one")

    def test_looking_makes_nothing(self) -> None:
        """Before the first start there are no accounts, and no folder comes of asking, or of a mistake: it might be
        root's, and in the way of the server's user."""
        none = "no accounts; to add one: xmppctl user add NAME@HOST\n"
        self.expect(none, "user", "list")
        for args, why in (
            (("user", "add", "alice@typo", "--password", "x"), "typo is not served here"),
            (("user", "passwd", "alice", "--password", "x"), "there is no account alice@localhost"),
            (("user", "del", "alice"), "there is no account alice@localhost"),
        ):
            done = self.run_xmppctl(*args)
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)
        self.assertFalse(self.data_dir.exists())
        self.expect("1 account added", "user", "import", "-", typed="alice\tone\n", is_begin=True)
        self.assertTrue((self.data_dir / "xmppd.sqlite").exists())


class ProcessTests(SynchronousTestCase):
    """From the start of Python on. Each call costs a second where it works on the store, so these are few."""

    def setUp(self) -> None:
        """A data folder that is named, and not there yet."""
        self.data_dir = temporary_folder(self) / "data"

    def run_xmppctl(
        self,
        *args: str,
        stdout: int | IO[str] = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
        encoding: str = "utf-8",
    ) -> "subprocess.CompletedProcess[str]":
        """Run xmppctl as a process."""
        return subprocess.run(
            [sys.executable, "-m", "xmppd.admin.xmppctl", *args],
            env={**os.environ, "XMPPD_DATA": str(self.data_dir), "PYTHONPATH": str(ROOT), **(env or {})},
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding=encoding,
            timeout=60,
            check=False,
        )

    def fork(self, *args: str, stdout: IO[str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Run it without the start."""
        environment = {"XMPPD_DATA": str(self.data_dir)}
        return xmppctl(*args, folder=self.data_dir.parent, environment=environment, output=stdout)

    def test_output_that_cannot_be_written(self) -> None:
        """A full disk is one line and status 1, once; a reader that stops, none."""
        for args, run in (
            (("user", "list"), self.run_xmppctl),
            (("--help",), self.run_xmppctl),
            (("user", "list", "--json"), self.fork),
            (("check",), self.fork),
        ):
            with open("/dev/full", "w") as full:
                done = run(*args, stdout=full)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
            self.assertIn("cannot be written: No space left on device", done.stderr)
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, "w") as closed:
            done = self.run_xmppctl("user", "list", stdout=closed)
        self.assertEqual((done.returncode, done.stderr), (1, ""))

    def test_terminal_of_another_encoding(self) -> None:
        """What it has letters for is shown in them, the rest is escaped."""
        for name in ("jörg", "ильф"):
            self.assertEqual(self.fork("user", "add", name, "--password", "x").returncode, 0)
        done = self.run_xmppctl(
            "user", "list", env={"PYTHONIOENCODING": "iso8859-1:strict"}, encoding="iso8859-1"
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("\njörg@localhost ", done.stdout)
        self.assertIn("\n\\u0438\\u043b\\u044c\\u0444@localhost ", done.stdout)

    def test_quick(self) -> None:
        """Asking the server loads neither Twisted nor the configuration's models (``xmppctl status`` in < 0.3 s)."""
        code = "import sys, xmppd.admin.xmppctl; print(*sys.modules)"
        loaded = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        )
        self.assertEqual([name for name in loaded.stdout.split() if name.startswith(HEAVY)], [])
