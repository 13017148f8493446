"""What an operator does to a server that runs, over its control socket and its public listeners."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import PATIENCE_S, ServerProcess, environment, shared_server
from xmppd.admin.check.stranger import NoTLS, look
from xmppd.admin.control.client import ControlClient
from xmppd.config.section import Address

OPTIONS = """
[http]
listen = []
tls_listen = ["127.0.0.1:0"]
[hosts."localhost"]
[components."rooms.localhost"]
module = "muc"
[components."upload.localhost"]
module = "upload"
[components."upload.localhost".modules.upload]
keep_free_bytes = 0
"""


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until that *is_so*; it must be so within a while."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.05)


class OperatorCase(SynchronousTestCase):
    """One server for all tests of this file."""

    @property
    def server(self) -> ServerProcess:
        """The server."""
        return shared_server(OPTIONS)


class StrangerTests(OperatorCase):
    """`xmppd.admin.check.stranger`."""

    def test_look(self) -> None:
        """By STARTTLS and direct TLS: the version, the certificate that the server has, and why nobody believes it."""
        made = x509.load_pem_x509_certificate(self.server.certificate.read_bytes())
        for kind in ("STARTTLS", "TLS"):
            seen = look(Address("127.0.0.1", self.server.ports[kind]), "localhost", kind == "TLS")
            self.assertEqual((seen.version, seen.certificate), ("TLSv1.3", made.public_bytes(Encoding.DER)))
            self.assertIn("self", seen.distrust)

    def test_a_domain_that_is_not_there(self) -> None:
        """The stream is closed, and that is told."""
        address = Address("127.0.0.1", self.server.ports["STARTTLS"])
        self.assertRaises(NoTLS, look, address, "elsewhere.example", False)

    def test_nobody_is_there(self) -> None:
        """As of any connection."""
        self.assertRaises(ConnectionRefusedError, look, Address("127.0.0.1", 1), "localhost", False)


class SelftestTests(OperatorCase):
    """`xmppctl selftest`, and what it leaves."""

    def xmppctl(self, *args: str) -> "subprocess.CompletedProcess[str]":
        """Run it against the server."""
        command = [sys.executable, "-m", "xmppd.admin.xmppctl", "--config", str(self.server.config), *args]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, env=environment(), check=False
        )

    def accounts(self) -> list[str]:
        """Give the accounts that there are."""
        return [row["jid"] for row in json.loads(self.xmppctl("user", "list", "--json").stdout)]

    def test_all_is_well(self) -> None:
        """Logins over each listener, a message, a room, a file; each with its time. Nothing is left of it."""
        done = self.xmppctl("selftest", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        steps = {each["step"]: each for each in json.loads(done.stdout)}
        for step in ("login by STARTTLS", "login by TLS", "ping", "message", "room", "file"):
            self.assertEqual(steps[step]["outcome"], "ok", steps)
            self.assertGreater(steps[step]["ms"], 0)
        self.assertIn("TLSv1.3", steps["login by TLS"]["detail"])
        where = f"https://localhost:{self.server.ports['HTTPS']}, TLSv1.3, "
        self.assertTrue(steps["file"]["detail"].startswith(where), steps)
        self.assertEqual(self.accounts(), [])
        self.assertEqual(self.rows("room", "list"), [])
        wait_until(lambda: not self.files())

    def rows(self, *args: str) -> list[Any]:
        """Give what a command lists."""
        listed: list[Any] = json.loads(self.xmppctl(*args, "--json").stdout)
        return listed

    def files(self) -> list[Path]:
        """Give the uploaded files that there are, whole or not."""
        return [each for each in (self.server.folder / "data" / "uploads").rglob("*") if each.is_file()]

    def test_interrupted(self) -> None:
        """Who asks for accounts and is killed leaves none behind, either."""
        with ControlClient.connect(self.server.folder / "data") as client:
            lent: list[Any] = []

            def told(content: Any) -> None:
                lent.append(content)
                raise KeyboardInterrupt

            self.assertRaises(KeyboardInterrupt, client.call, "user.lend", {"number": 2}, told)
            names = [each["jid"] for each in lent[0]["accounts"]]
            self.assertEqual(self.accounts(), sorted(names))
        wait_until(lambda: not self.accounts())

    def test_no_such_host(self) -> None:
        """Is told, and nothing is made."""
        done = self.xmppctl("selftest", "--host", "nowhere.example")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
