"""Root starts the server for another user, as a whole: who serves, whose the files are, and that logins work."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import xmppd
from tests.environment import NET
from tests.sockets.client import SocketClient
from tests.temporary import temporary_folder
from xmppd.admin.rights import User, rights_of

NOBODY = 65_534
PATIENCE_S = 20.0
PASSWORD = "open sesame"


def must_reach(*files: str | None) -> None:
    """Skip where the other user cannot read the interpreter and the package: they are in root's home."""
    with rights_of(User.of(NOBODY)):
        closed = [file for file in files if file and not os.access(file, os.R_OK, effective_ids=True)]
    if closed:
        raise SkipTest(f"another user cannot read {closed[0]}")


class AnotherUserTests(SynchronousTestCase):
    """``xmppd --uid USER``."""

    def setUp(self) -> None:
        if os.geteuid() != 0:
            raise SkipTest("only root can serve as another")
        must_reach(os.__file__, xmppd.__file__, sys.executable)
        self.folder = temporary_folder(self)
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.file = self.folder / "xmppd.toml"
        ports = 'listen = ["127.0.0.1:0"]\ndirect_tls_listen = ["127.0.0.1:0"]\n'
        self.file.write_text(f'data_dir = "{self.data}"\n[c2s]\n{ports}{NET}')

    def run_as_root(self, *words: str, told: str = "") -> str:
        """Run xmppctl and give what it says."""
        command = [sys.executable, "-m", "xmppd.admin.xmppctl", "--config", str(self.file), *words]
        done = subprocess.run(
            command, input=told, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd="/"
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def owners(self) -> set[int]:
        """Whose the data are."""
        return {found.lstat().st_uid for found in (self.data, *self.data.rglob("*"))}

    def test_life(self) -> None:
        """All that is made is the user's, the process too; accounts are made by root, beside it and after it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "xmppd", "--config", str(self.file), "--uid", str(NOBODY)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        told = ""
        while not told.endswith("Ready\n"):
            line = process.stdout.readline()
            assert line, (told, process.communicate()[1])
            told += line
        status = Path(f"/proc/{process.pid}/status").read_text()
        self.assertEqual(re.findall(r"^Uid:\t(.*)", status, re.MULTILINE), ["\t".join([str(NOBODY)] * 4)])
        self.assertNotIn("runs as root", told)
        self.run_as_root("user", "add", "bob@localhost", "--password-stdin", told=PASSWORD)
        port = re.search(r"127\.0\.0\.1:(\d+) \(TLS\)", told)
        assert port is not None
        with SocketClient(int(port[1]), is_tls=True) as client:
            client.log_in("bob", PASSWORD, "here")
        self.assertEqual(self.owners(), {NOBODY})
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE_S), 0)
        self.run_as_root("user", "add", "carol@localhost", "--password-stdin", told=PASSWORD)
        self.assertEqual(self.owners(), {NOBODY})
