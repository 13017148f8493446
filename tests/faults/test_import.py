"""An import that is killed, begun again, and killed again: accounts are whole or not there, and in the end all are."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import xmppd
from tests.temporary import temporary_folder

ROOT = Path(xmppd.__file__).parent.parent
CONFIG = '[hosts."a.example"]\n'
ACCOUNTS, MESSAGES = 40, 60
HEAD = "<?xml version='1.0'?><server-data xmlns='urn:xmpp:pie:0'><host jid='a.example'>"
RESULT = (
    "<result xmlns='urn:xmpp:mam:2' id='{id}'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
    "stamp='2010-07-10T23:08:25Z'/><message xmlns='jabber:client' from='r@b.example' to='u@a.example'><body>{id}</body>"
    "</message></forwarded></result>"
)


class ImportTests(SynchronousTestCase):
    """A process, killed at random times."""

    def setUp(self) -> None:
        """Something to import."""
        self.folder = temporary_folder(self)
        archive = "".join(RESULT.format(id=f"m{number}") for number in range(MESSAGES))
        content = f"<archive xmlns='urn:xmpp:pie:0#mam'>{archive}</archive>"
        users = "".join(
            f"<user name='u{number:02}' password='secret'>{content}</user>" for number in range(ACCOUNTS)
        )
        (self.folder / "all.xml").write_text(f"{HEAD}{users}</host></server-data>")
        (self.folder / "x.toml").write_text(f'data_dir = "{self.folder / "data"}"\n{CONFIG}')

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Begin a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "xmppd.admin.xmppctl", "--config", str(self.folder / "x.toml"), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def whole(self) -> int:
        """Give how many accounts are there; each has all of its archive."""
        process = self.start("export", "-")
        exported, errors = process.communicate()
        self.assertEqual(process.returncode, 0, errors)
        users = exported.split(b"<user ")[1:]
        for user in users:
            self.assertEqual(user.count(b"</result>"), MESSAGES, user[:40])
        return len(users)

    def test_killed(self) -> None:
        """promises#backup, promises#moving-in: SIGKILL in the middle, and a second run completes it."""
        database = self.folder / "data" / "xmppd.sqlite"
        for _ in range(3):
            process = self.start("import", "xep0227", str(self.folder / "all.xml"), "--hash", "SHA-1")
            while process.poll() is None and not database.exists():
                time.sleep(0.005)  # it is another process that is waited for
            time.sleep(random.uniform(0.0, 0.4))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.assertLessEqual(self.whole(), ACCOUNTS)
        last = self.start("import", "xep0227", str(self.folder / "all.xml"), "--hash", "SHA-1")
        _, errors = last.communicate()
        self.assertEqual((last.returncode, self.whole()), (0, ACCOUNTS), errors)
