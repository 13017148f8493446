"""A newcomer's path (promises#two-commands): all that the tutorial tells to type and to write, in its order.

Into a fresh environment, by pip, from a copy of the checkout, with nothing of ours in the environment. Where
``XMPPD_NEWCOMER`` is set, as in ``.ci/run``, the libraries come from the index of packages as well, else pip finds
those that the suite runs with. The second part is for root of a machine in the internet: there a folder stands for the
root of the file system, an authority of ours for certbot, and this program for systemd; all ports are this machine's.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.certificates import certify, common_name, dns, make_key, names_of, pem_of
from tests.checkout import ROOT
from tests.docs.pages import DOCS, blocks_of, commands_in
from tests.temporary import temporary_folder
from tests.terminal import typed
from xmppd.admin.selftest.client import TrialClient
from xmppd.config.section import Address

TUTORIAL = DOCS / "tutorial.rst"
PASSWORD = "a good password"
PATIENCE_S = 60.0
INSTALL_S = 600.0
IS_WHOLE = bool(os.environ.get("XMPPD_NEWCOMER"))
QUICKLY = {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1"}
"""What has pip take what is there (0 is how it is told that there is no isolation)."""
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "xmppd-data", "node_modules", ".mypy_cache", ".ruff_cache", ".hypothesis", "__pycache__"
)
LISTENERS = re.compile(r"listen = \[.*\]")
PORT = re.compile(r"127\.0\.0\.1:(\d+) \((\w+)\)")
HERE = {"XMPPD_C2S__LISTEN": '["127.0.0.1:0"]', "XMPPD_C2S__DIRECT_TLS_LISTEN": '["127.0.0.1:0"]'}
HERE |= {"XMPPD_HTTP__LISTEN": "[]"}
MUC = "http://jabber.org/protocol/muc"


class NewcomerTests(SynchronousTestCase):
    """The tutorial, word for word where it can be."""

    def setUp(self) -> None:
        """A machine with a Python and a checkout."""
        if shutil.which("make") is None or shutil.which("python3") is None:
            raise SkipTest("there is no make, or no python3")
        self.folder = temporary_folder(self)
        self.checkout = self.folder / "checkout"
        self.root = self.folder / "root"
        shutil.copytree(ROOT, self.checkout, ignore=LEFT_OUT)
        path = f"{Path(sys.executable).resolve().parent}:{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        self.environment = {**kept, **HERE, "PATH": path, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        self.server: subprocess.Popen[bytes] | None = None
        self.addCleanup(self.stop)
        self.clients: list[TrialClient] = []
        self.programs: dict[str, Callable[[list[str]], None]] = {
            "apt": self.pass_over,
            "certbot": self.certify,
            "make": self.make,
            "pip": self.run_,
            "python3": self.make_environment,
            "systemctl": self.systemctl,
            "xmppctl": self.type,
            "xmppd": self.serve,
        }

    def test_tutorial(self) -> None:
        """Each command in its turn; then people log in."""
        parts = TUTORIAL.read_text().split("\nOn a machine that others reach\n")
        self.assertEqual(len(parts), 2)
        for part, follow in zip(parts, (self.on_your_own_machine, self.on_the_internet), strict=True):
            page = self.folder / "part.rst"
            page.write_text(part)
            for language, text in blocks_of(page):
                if language == "console":
                    for words in commands_in(text):
                        self.programs[Path(words[0]).name](words)
                elif language == "toml":
                    self.configure(text)
                elif language == "ini":
                    self.unit = text
            follow()
            for client in self.clients:
                client.close()
            self.stop()

    def on_your_own_machine(self) -> None:
        """Alice writes to Bob."""
        alice, bob = self.client("alice@localhost"), self.client("bob@localhost")
        alice.send(f"<message to='{bob.jid}' type='chat'><body>hi</body></message>")
        came = bob.wait(lambda stanza: stanza.find("{jabber:client}body") is not None)
        self.assertEqual(came.get("from"), alice.jid)

    def on_the_internet(self) -> None:
        """Alice enters the room."""
        alice, place = self.client("alice@example.org"), "hall@rooms.example.org/alice"
        alice.send(f"<presence to='{place}'><x xmlns='{MUC}'/></presence>")
        self.assertIsNone(alice.wait(lambda stanza: stanza.get("from") == place).get("type"))

    # -- what is typed ------------------------------------------------------------------------------------------------

    def run_(self, words: list[str]) -> None:
        """As it stands."""
        done = subprocess.run(
            words,
            cwd=self.checkout,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_S,
        )
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))

    def make_environment(self, words: list[str]) -> None:
        """As it stands; if it is not to be whole, the libraries of the suite are found from there."""
        self.run_(words)
        if not IS_WHOLE:
            (packages,) = self.checkout.glob(f"{words[-1]}/lib/python*/site-packages")
            (packages / "suite.pth").write_text(sysconfig.get_path("purelib") + "\n")
            self.environment |= QUICKLY

    def serve(self, words: list[str]) -> None:
        """In the background, as in a shell of its own, until it is ready."""
        log = self.folder / "log"
        with log.open("wb") as output:
            self.server = subprocess.Popen(
                words, cwd=self.checkout, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        while " Ready\n" not in (said := log.read_text()):
            try:
                self.server.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            self.fail(said)
        self.ports = {kind: int(port) for port, kind in PORT.findall(said)}

    def type(self, words: list[str]) -> None:
        """On a terminal; the program is that of the environment, and looks at nothing outside of this machine."""
        words = ["xmpp/bin/xmppctl", *(self.here(word) for word in words[1:])]
        if words[-1] == "check":
            words.append("--offline")
        status, shown = typed(words, self.environment, PASSWORD, self.checkout)
        self.assertEqual(status, 0, (words, shown))

    def make(self, words: list[str]) -> None:
        """All but the environment, which there is already: ``.ci/run`` makes it from the locked list."""
        self.assertEqual(words, ["make", "install"])
        self.run_(["make", "-s", "install-files", f"DESTDIR={self.root}"])
        (self.root / "var/lib/xmppd").mkdir(parents=True, mode=0o700)

    def certify(self, words: list[str]) -> None:
        """An authority of ours gives what is asked for."""
        names = tuple(name for word, name in pairwise(words) if word == "-d")
        live = self.root / "etc/letsencrypt/live" / names[0]
        live.mkdir(parents=True)
        authority, key, now = make_key(), make_key(), datetime.now(UTC)
        issuer, ends = common_name("An authority"), now + timedelta(days=90)
        made = certify(
            key, common_name(names[0]), now, ends, by=(issuer, authority), extensions=[names_of(dns(*names))]
        )
        (live / "fullchain.pem").write_bytes(pem_of(made))
        (live / "privkey.pem").write_bytes(pem_of(key))
        (live / "privkey.pem").chmod(0o600)

    def systemctl(self, words: list[str]) -> None:
        """Start what the unit starts, with the credentials that the page tells to give it; or be content with it."""
        if words[1] != "enable":
            assert self.server is not None
            self.assertEqual((words[1], self.server.poll()), ("status", None))
            return
        credentials = self.folder / "credentials"
        credentials.mkdir()
        for name, file in re.findall(r"^LoadCredential=([\w.]+):(\S+)$", self.unit, re.MULTILINE):
            shutil.copy(self.here(file), credentials / name)
        self.environment["CREDENTIALS_DIRECTORY"] = str(credentials)
        unit = (self.root / "etc/systemd/system/xmppd.service").read_text()
        (started,) = re.findall(r"^ExecStart=/opt/xmppd/bin/(.*)$", unit, re.MULTILINE)
        program, *rest = shlex.split(started)
        self.serve([f"xmpp/bin/{program}", *(self.here(word) for word in rest)])

    def pass_over(self, words: list[str]) -> None:
        """It changes the machine."""

    # -- what is written ----------------------------------------------------------------------------------------------

    def configure(self, text: str) -> None:
        """Write the configuration, with the ports of this machine alone."""
        text = LISTENERS.sub('listen = ["127.0.0.1:0"]', text)
        text = text.replace('"/var/lib/xmppd"', f'"{self.here("/var/lib/xmppd")}"')
        self.here_path("/etc/xmppd/xmppd.toml").write_text(text + "\n")
        for name in HERE:
            del self.environment[name]

    def here_path(self, path: str) -> Path:
        """Give what stands for *path*."""
        return self.root / path.lstrip("/")

    def here(self, word: str) -> str:
        """Give a word with what stands for the path that it is."""
        return str(self.here_path(word)) if word.startswith("/") else word

    def client(self, jid: str) -> TrialClient:
        """Log in."""
        client = TrialClient(Address("127.0.0.1", self.ports["TLS"]), jid, PASSWORD, is_direct=True)
        self.clients.append(client)
        client.send("<presence/>")
        return client

    def stop(self) -> None:
        """End the server, as Ctrl+C does; harmless the second time."""
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            self.assertEqual(self.server.wait(PATIENCE_S), 0)
            self.server = None
