"""SASL2, Bind 2 and FAST over real TLS: with channel binding, and as xmpp.js has them.

xmpp.js is looked for in the folder that ``XMPPD_NODE_MODULES`` names, or in ``node_modules`` here:
``npm install @xmpp/client``.
"""

import hmac
import json
import os
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase

from tests.dialogues.socket_stage import SocketStage
from tests.sockets.process import ServerProcess, shared_server
from xmppd.testing.client import PASSWORD, Client
from xmppd.testing.sasl2 import BIND, FAST, PHONE, SASL2, request

EXPORTER = b"EXPORTER-Channel-Binding"
MECHANISM = "HT-SHA-256-EXPR"
ROMEO, ROMEOS_PASSWORD = "romeo@localhost", "open sesame"
PATIENCE_S = 30
FOLDER = Path(__file__).parent


def node_modules() -> Path:
    """Give the folder that xmpp.js is in; `SkipTest` says what is missing."""
    folder = Path(os.environ.get("XMPPD_NODE_MODULES", FOLDER.parent.parent / "node_modules"))
    if shutil.which("node") is None:
        raise SkipTest("node is missing")
    if not (folder / "@xmpp" / "client").is_dir():
        raise SkipTest(f"there is no @xmpp/client in {folder}: npm install @xmpp/client")
    return folder


class ChannelBindingTests(TestCase):
    """A server in this process, on loopback sockets."""

    timeout = 30

    def test_a_token_is_bound_to_the_connection(self) -> Deferred[None]:
        """HT-SHA-256-EXPR (RFC 9266): the proof of one connection is none on another; success binds a resource."""

        async def script() -> None:
            stage = SocketStage(self, is_direct_tls=True)
            self.addCleanup(stage.stop)
            await stage.add_account(ROMEO)
            client, _ = await self.connected(stage)
            success = await self.authenticate(
                client, "PLAIN", f"\0romeo\0{PASSWORD}".encode(), request(MECHANISM)
            )
            element = success.find(f"{FAST}token")
            assert element is not None
            token = element.get("token", "").encode()
            client, data = await self.connected(stage)
            old = hmac.digest(token, b"Initiator" + data, "sha256")
            success = await self.authenticate(client, MECHANISM, b"romeo\0" + old, self.fast)
            self.assertTrue(
                (success.findtext(f"{SASL2}authorization-identifier") or "").startswith(f"{ROMEO}/")
            )
            responder = hmac.digest(token, b"Responder" + data, "sha256")
            self.assertEqual(success.findtext(f"{SASL2}additional-data"), b64encode(responder).decode())
            client, _ = await self.connected(stage)
            failure = await self.authenticate(client, MECHANISM, b"romeo\0" + old, self.fast)
            self.assertEqual(failure.tag, f"{SASL2}failure")

        return Deferred.fromCoroutine(script())

    fast = f"<fast xmlns='urn:xmpp:fast:0'/>{BIND}"

    async def connected(self, stage: SocketStage) -> tuple[Client, bytes]:
        """Give a client under TLS before its login, and what its connection binds to."""
        client = Client("romeo", f"{ROMEO}/orchard")
        await stage.connect(client)
        await client.secure()
        carrier: Any = client.carrier
        return client, carrier.transport.getHandle().export_keying_material(EXPORTER, 32, b"")

    async def authenticate(self, client: Client, mechanism: str, initial: bytes, inner: str) -> Any:
        """Log in, and give the answer."""
        client.send(
            f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='{mechanism}'><initial-response>"
            f"{b64encode(initial).decode()}</initial-response><user-agent id='{PHONE}'/>{inner}</authenticate>"
        )
        return await client.receive()


class XmppJsTests(SynchronousTestCase):
    """An independent client."""

    def test_password_then_token_then_resumption(self) -> None:
        """By password, which gives it a token; by the token; and after a lost connection by the token, resuming."""
        server = shared_server(accounts=((ROMEO, ROMEOS_PASSWORD),))
        self.logs_in(f"xmpps://localhost:{server.ports['TLS']}", server)

    def test_over_websocket(self) -> None:
        """The same."""
        options = '[http]\nlisten = []\ntls_listen = ["127.0.0.1:0"]\n'
        server = shared_server(options, ((ROMEO, ROMEOS_PASSWORD),))
        self.logs_in(f"wss://localhost:{server.ports['HTTPS']}/xmpp-websocket", server)

    def logs_in(self, service: str, server: ServerProcess) -> None:
        """Three times, as the script says."""
        modules = node_modules()
        ran = subprocess.run(
            ["node", str(FOLDER / "sasl2_login.mjs"), str(modules), service, "romeo", ROMEOS_PASSWORD],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env={
                **os.environ,
                "NODE_EXTRA_CA_CERTS": str(server.certificate),
                "NODE_OPTIONS": "--experimental-websocket",  # what node 20 has; later ones have it anyway
            },
        )
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        told = json.loads(ran.stdout)
        self.assertEqual(told["mechanisms"], ["SCRAM-SHA-1", "HT-SHA-256-NONE", "HT-SHA-256-NONE"], told)
        self.assertEqual(told["jids"][1], told["jids"][2])
        self.assertTrue(all(jid.startswith(f"{ROMEO}/") for jid in told["jids"]))
