"""Two people chat in a browser: Converse in Chromium, as ``xmppctl web install`` brings it.

Needs chromium, node, and playwright-core in the folder that ``XMPPD_NODE_MODULES`` names; Converse comes from npm, or
from the file that ``XMPPD_CONVERSE`` names. Pictures are kept in the folder ``XMPPD_SCREENSHOTS``, where it is named.
"""

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.sockets.process import ServerProcess
from tests.temporary import temporary_folder
from xmppd.admin.control.client import ControlClient
from xmppd.admin.web_client import CannotInstall, install

ACCOUNTS = (("alice@localhost", "open sesame"), ("bob@localhost", "open barley"))
PATIENCE_S = 240
SCRIPT = Path(__file__).with_name("chat.mjs")
NEWCOMER = Path(__file__).with_name("newcomer.mjs")
OPTIONS = (
    '[http]\nlisten = ["127.0.0.1:0"]\n[hosts."localhost"]\n[components."rooms.localhost"]\nmodule = "muc"\n'
    '[components."upload.localhost"]\nmodule = "upload"\n'
)


@cache
def needed() -> dict[str, str]:
    """Give the environment of the script; `SkipTest` says what is missing."""
    chromium = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
    modules = Path(os.environ.get("XMPPD_NODE_MODULES", ""))
    if chromium is None or shutil.which("node") is None:
        raise SkipTest("chromium or node is missing")
    if not (modules / "playwright-core").is_dir():
        raise SkipTest("playwright-core is not in XMPPD_NODE_MODULES")
    return {**os.environ, "XMPPD_CHROMIUM": chromium, "XMPPD_NODE_MODULES": str(modules)}


class BrowserTestCase(SynchronousTestCase):
    """A server as it ships, with the chat in the browser."""

    def start(self) -> ServerProcess:
        """Have it run."""
        needed()
        folder = temporary_folder(self)
        archive = os.environ.get("XMPPD_CONVERSE")
        try:
            files = install(folder / "client", None if archive is None else Path(archive))
        except CannotInstall as error:
            raise SkipTest(str(error)) from error
        server = ServerProcess(folder, OPTIONS, ACCOUNTS)
        self.addCleanup(server.stop)
        files.rename(folder / "data" / files.name)
        return server

    def seen(self, server: ServerProcess, script: Path, told: object, link: str, *arguments: str) -> Any:
        """Give what a script has seen that was *told* something and followed a *link*."""
        pictures = Path(os.environ.get("XMPPD_SCREENSHOTS", server.folder))
        pictures.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["node", str(script), link, str(pictures), *arguments],
            input=json.dumps(told),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            env=needed(),
        )
        self.assertTrue(done.stdout.strip(), done.stderr)
        seen = json.loads(done.stdout.strip().splitlines()[-1])
        self.assertNotIn("failed", seen, seen)
        return seen


class ChatTests(BrowserTestCase):
    """Two people chat."""

    def chat(self, carrier: str) -> Any:
        """What two people see who chat, one of them on a phone."""
        server = self.start()
        passwords = {address.partition("@")[0]: password for address, password in ACCOUNTS}
        return self.seen(server, SCRIPT, passwords, f"http://localhost:{server.ports['HTTP']}/", carrier)

    def test_websocket(self) -> None:
        """Messages both ways, a picture, history in a fresh session, a room; nothing breaks the policy of the page."""
        seen = self.chat("websocket")
        self.assertEqual((seen["chat"], seen["history"], seen["room"]), (True, True, True))
        self.assertEqual(seen["picture"], [120, "our%20picture.png"])
        self.assertEqual((seen["sockets"], seen["posts"]), (["/xmpp-websocket"] * 3, 0))
        self.assertEqual((seen["violations"], seen["errors"]), ([], []))

    def test_bosh(self) -> None:
        """The same by BOSH."""
        seen = self.chat("bosh")
        self.assertEqual((seen["chat"], seen["history"], seen["room"]), (True, True, True))
        self.assertEqual(seen["picture"], [120, "our%20picture.png"])
        self.assertEqual(seen["sockets"], [])
        self.assertGreater(seen["posts"], 10)
        self.assertEqual((seen["violations"], seen["errors"]), ([], []))


class NewcomerTests(BrowserTestCase):
    """Somebody gets a link."""

    def test_on_a_phone(self) -> None:
        """From the invitation by an account to a chat with who has invited; a mistake on the way costs nothing."""
        server = self.start()
        control = ControlClient.connect(server.folder / "data")
        self.addCleanup(control.close)
        told = {"name": "carol", "password": "open millet", "inviter": "alice@localhost"}
        link = control.call("invite.account", {"jid": "localhost", "inviter": told["inviter"]})["url"]
        seen = self.seen(server, NEWCOMER, told, link)
        self.assertIn("password", seen["mistake"].lower())
        self.assertEqual((seen["kept"], seen["account"]), ("carol", "carol@localhost"))
        self.assertEqual((seen["contact"], seen["chat"], seen["narrow"]), (True, True, []))
        self.assertEqual((seen["violations"], seen["errors"]), ([], []))
