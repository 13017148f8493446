"""The pages that an operator reads: every command of xmppctl that they show is run, in their order, with what it needs.

Those about moving and backups are run in ``tests/moving/test_documentation.py``, the tutorial in ``test_newcomer.py``.
"""

import json
import re
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.docs.pages import DOCS, blocks_of, commands_in
from tests.forked import xmppctl
from tests.sockets.process import ServerProcess
from tests.temporary import temporary_folder
from xmppd.admin.selftest.client import TrialClient
from xmppd.config.section import Address

PAGES = ("running.rst", "howto/certificates.rst")
ELSEWHERE = {"moving-from-prosody.rst", "moving-from-ejabberd.rst", "backup.rst", "tutorial.rst"}
"""Pages whose commands other tests run."""
OPTIONS = '[hosts."example.org"]\n'
OLD = OPTIONS + '[hosts."old.example"]\n'
RENAMED = '[hosts."new.example"]\n'
PASSWORD = "a good password"
BACKUP = re.compile(r"/backup/xmppd-\d{8}T\d{6}Z\.tar\.gz")
NAMES = ("alice@example.org", "romeo@example.org", "mercutio@old.example")
PROBLEMS = 2
REPORT = (
    "<block xmlns='urn:xmpp:blocking'><item jid='spammer@example.net'>"
    "<report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'/></item></block>"
)


class CommandsTests(SynchronousTestCase):
    """A server with people, one of whom has reported another."""

    def setUp(self) -> None:
        """The domain that is renamed is served until it has somebody."""
        self.folder = temporary_folder(self)
        self.backups = self.folder / "backup"
        self.backups.mkdir()
        self.config = self.folder / "xmppd.toml"
        self.config.write_text(f'data_dir = "{self.folder / "data"}"\n{OLD}')
        for name in NAMES:
            self.do(["xmppctl", "user", "add", name, "--password-stdin"])
        self.options = OPTIONS
        self.server = ServerProcess(self.folder, OPTIONS)
        self.addCleanup(self.end)
        self.alice().request(REPORT)

    def alice(self) -> TrialClient:
        """Log in, as a client that is listed."""
        address = Address("127.0.0.1", self.server.ports["TLS"])
        client = TrialClient(address, "alice@example.org", PASSWORD, is_direct=True)
        self.addCleanup(client.close)
        client.send("<presence/>")
        client.request("<ping xmlns='urn:xmpp:ping'/>", "example.org", "get")
        return client

    def xmppctl(self, *words: str) -> "CompletedProcess[str]":
        """Run it against the server, or its data."""
        words = ("--config", str(self.config), *words)
        return xmppctl(*words, folder=self.folder, typed=f"{PASSWORD}\n")

    def listed(self, *words: str) -> Any:
        """Give the first row of what a command lists."""
        return json.loads(self.xmppctl(*words, "--json").stdout)[0]

    def filled(self, words: list[str]) -> list[str]:
        """Put in what stands for something of the reader's: what it names is taken from a list."""
        newest = max(map(str, self.backups.iterdir()), default="none")
        filled = [BACKUP.sub(newest, word) for word in words]
        filled = [f"{self.folder}{word}" if word == "/backup" else word for word in filled]
        if "REPORT" in words:
            filled[filled.index("REPORT")] = self.listed("report", "list")["id"]
        if "CLIENT" in words:
            filled[filled.index("CLIENT")] = self.listed("session", "clients", "alice@example.org")["client"]
        if words[:3] == ["xmppctl", "invite", "revoke"]:
            filled[3] = self.listed("invite", "list")["id"]
        return filled

    def do(self, words: list[str]) -> None:
        """Run a command as it stands, but for the place of the configuration; a check does not look at the net."""
        words = [word for word in self.filled(words) if word not in ("--config", "/etc/xmppd/xmppd.toml")]
        if words[1] == "check":
            words.append("--offline")
        done = self.xmppctl(*words[1:])
        # a check tells of what it finds at this server: certificates that nobody believes
        good = {0, PROBLEMS} if words[1] == "check" else {0}
        self.assertIn(done.returncode, good, (words, done.stdout, done.stderr))

    def test_every_command(self) -> None:
        """What an operator copies works; each block begins with a server that runs, unless the page says otherwise."""
        run = 0
        for page in PAGES:
            for language, text in blocks_of(DOCS / page):
                for words in commands_in(text) if language == "console" else ():
                    if words[0] == "xmppctl":
                        if words[1:3] == ["host", "rename"]:
                            self.rename()
                        self.do(words)
                        run += 1
                self.start()
        self.assertGreater(run, 12)

    def end(self) -> None:
        """Stop the server that there is."""
        self.server.stop()

    def rename(self) -> None:
        """The server is stopped, and its configuration has the new name."""
        self.end()
        self.options = OPTIONS + RENAMED
        self.config.write_text(self.config.read_text() + RENAMED)

    def start(self) -> None:
        """Start the server again, if it does not run; Alice is there."""
        if not self.server.is_running:
            self.server = ServerProcess(self.folder, self.options)
            self.alice()


class PagesTests(SynchronousTestCase):
    """What they are."""

    def test_no_page_is_left_out(self) -> None:
        """A page that shows commands is in one of the tests."""
        showing = {
            str(page.relative_to(DOCS))
            for page in DOCS.rglob("*.rst")
            for language, text in blocks_of(page)
            if language == "console" and any(Path(words[0]).name == "xmppctl" for words in commands_in(text))
        }
        self.assertEqual(showing, {*PAGES, *ELSEWHERE})
