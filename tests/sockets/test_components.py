"""Components in processes of others: slixmpp's on a real server, a reader that never reads, and a kill."""

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine
from typing import Any

from slixmpp import JID
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.components import TIMEOUT_S, SlixmppComponent
from tests.sockets.process import ServerProcess, environment, shared_server
from tests.sockets.test_slixmpp import SlixmppClient
from tests.temporary import temporary_folder
from xmppd.stream.component_handshake import handshake_of

ALICE, PASSWORD, GATEWAY, SECRET = (
    "alice@localhost",
    "alice's secret",
    "gateway.localhost",
    "of more than 16 bytes",
)
PING = re.compile(rb"<iq [^>]*id='([^']+)'[^>]*><ping xmlns='urn:xmpp:ping'/></iq>")
OPTIONS = f"""[components]
listen = ["127.0.0.1:0"]
[components."{GATEWAY}"]
secret = "{SECRET}"
queue = true
[modules.privilege.components."{GATEWAY}"]
roster = "both"
message = "outgoing"
presence = "managed_entity"
"""


class SlixmppComponentTests(SynchronousTestCase):
    """One server for all of them."""

    def setUp(self) -> None:
        """Find it."""
        self.server = shared_server(OPTIONS, ((ALICE, PASSWORD),))

    def play(self, script: Coroutine[Any, Any, None]) -> None:
        """Run *script* in a loop of its own."""
        asyncio.run(script)

    def gateway(self, secret: str = SECRET) -> SlixmppComponent:
        """Give the component, which has not connected."""
        return SlixmppComponent(GATEWAY, secret, self.server.ports["component"])

    async def alice(self) -> SlixmppClient:
        """Give a client that is online."""
        client = SlixmppClient(f"{ALICE}/desk", PASSWORD, self.server)
        self.assertEqual(await client.log_in(), "session_start")
        return client

    def test_echo(self) -> None:
        """Messages go there and come back; so do pings and disco."""

        async def script() -> None:
            gateway, alice = self.gateway(), await self.alice()
            self.assertEqual(await gateway.join(), "session_start")
            alice.send_message(JID(f"sms@{GATEWAY}"), "Hello, is it me?")
            message = await alice.next_message()
            self.assertEqual((message["from"].bare, message["body"]), (f"sms@{GATEWAY}", "Hello, is it me?"))
            alice.register_plugin("xep_0030")
            items = await alice["xep_0030"].get_items("localhost")
            self.assertIn(GATEWAY, {jid for jid, _, _ in items["disco_items"]["items"]})
            info = await alice["xep_0030"].get_info(GATEWAY)
            self.assertIn("urn:xmpp:ping", info["disco_info"]["features"])
            await alice.leave()
            await gateway.leave()

        self.play(script())

    def test_twisted_words(self) -> None:
        """The same with another library (XEP-0114)."""
        words = [str(self.server.ports["component"]), GATEWAY, SECRET]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.sockets.words_echo", *words],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline(), "connected\n")

        async def script() -> None:
            alice = await self.alice()
            alice.send_message(JID(f"sms@{GATEWAY}"), "Hello, is it me?", mtype="chat")
            message = await alice.next_message()
            self.assertEqual((message["from"].bare, message["body"]), (f"sms@{GATEWAY}", "Hello, is it me?"))
            await alice.leave()

        self.play(script())

    def test_wrong_secret(self) -> None:
        """It is sent away."""

        async def script() -> None:
            self.assertEqual(await self.gateway("another secret").join(), "disconnected")

        self.play(script())

    def test_gateway_shows_a_contact(self) -> None:
        """With its rights (XEP-0356) a gateway puts a contact into a roster, and it is online there; and writes in the
        name of the account."""

        async def script() -> None:
            gateway, alice = self.gateway(), await self.alice()
            self.assertEqual(await gateway.join(), "session_start")
            await asyncio.wait_for(gateway.advertised, TIMEOUT_S)
            await alice.get_roster()
            await alice.be_available()
            contact, online = f"nurse@{GATEWAY}", asyncio.get_running_loop().create_future()

            def available(presence: Any) -> None:
                if presence["from"].bare == contact and not online.done():
                    online.set_result(presence["status"])

            alice.add_event_handler("presence_available", available)
            wanted = {contact: {"name": "Nurse", "subscription": "both", "groups": ["Phone"]}}
            await gateway["xep_0356"].set_roster(ALICE, wanted)
            gateway.send_presence(pfrom=f"{contact}/phone", pto=ALICE, pstatus="ringing")
            self.assertEqual(await asyncio.wait_for(online, TIMEOUT_S), "ringing")
            roster = (await gateway["xep_0356"].get_roster(ALICE))["roster"]["items"]
            self.assertEqual((roster[contact]["name"], roster[contact]["subscription"]), ("Nurse", "both"))
            message = gateway.make_message(mto=f"{ALICE}/desk", mfrom=ALICE, mbody="from my phone")
            message["type"] = "chat"
            gateway["xep_0356"].send_privileged_message(message)
            self.assertEqual((await alice.next_message())["body"], "from my phone")
            await alice.leave()
            await gateway.leave()

        self.play(script())


class RawComponent:
    """A component on a plain socket, which reads when it is told to."""

    def __init__(self, server: ServerProcess):
        self.data = b""
        self._answered = 0
        self.socket = socket.create_connection(("127.0.0.1", server.ports["component"]), TIMEOUT_S)
        self.socket.sendall(
            f"<stream:stream to='{GATEWAY}' xmlns='jabber:component:accept'"
            " xmlns:stream='http://etherx.jabber.org/streams'>".encode()
        )
        stream_id = self.until(b"'>", 1).decode().partition(" id='")[2].partition("'")[0]
        self.socket.sendall(f"<handshake>{handshake_of(stream_id, SECRET.encode())}</handshake>".encode())
        self.until(b"<handshake/>")

    def until(self, end: bytes, times: int = 1) -> bytes:
        """Read until *end* has come so often since the beginning; gives all that came since then."""
        while self.data.count(end) < times:
            piece = self.socket.recv(65_536)
            if not piece:
                raise AssertionError(f"the connection is closed after {self.data[-200:]!r}")
            self.data += piece
            self._answer()
        return self.data

    def _answer(self) -> None:
        """Answer the server's pings, which say that all before them is read."""
        pings = PING.findall(self.data)
        for id in pings[self._answered :]:
            self.socket.sendall(
                b"<iq from='%s' to='localhost' type='result' id='%s'/>" % (GATEWAY.encode(), id)
            )
        self._answered = len(pings)


class KillTests(SynchronousTestCase):
    """A server of one's own for each, since it ends."""

    def server(self) -> ServerProcess:
        """Start one."""
        server = ServerProcess(temporary_folder(self), OPTIONS, ((ALICE, PASSWORD),))
        self.addCleanup(server.stop)
        return server

    def test_killed(self) -> None:
        """promises#components: what was acknowledged while the component was away survives SIGKILL, in order, once."""
        server, count = self.server(), 200

        async def send() -> None:
            alice = SlixmppClient(f"{ALICE}/desk", PASSWORD, server)
            alice.register_plugin("xep_0198")
            alice.register_plugin("xep_0199")
            self.assertEqual(await alice.log_in(), "session_start")
            for number in range(count):
                alice.send_message(JID(f"sms@{GATEWAY}"), f"message {number}", mtype="chat")
            await alice["xep_0199"].ping("localhost")  # what was sent before is dealt with
            stream = alice["xep_0198"]
            deadline = time.monotonic() + TIMEOUT_S
            while stream.unacked_queue and time.monotonic() < deadline:
                stream.request_ack()
                await asyncio.sleep(0.05)
            self.assertEqual(len(stream.unacked_queue), 0)
            server.kill()

        asyncio.run(send())
        again = ServerProcess(server.folder, OPTIONS)
        self.addCleanup(again.stop)
        component = RawComponent(again)
        got = component.until(b"</message>", count + 1)  # the first tells its rights
        places = [got.find(f"<body>message {number}</body>".encode()) for number in range(count)]
        self.assertNotIn(-1, places)
        self.assertEqual(places, sorted(places))
        self.assertEqual(got.count(b"<body>"), count)
        time.sleep(
            1.0
        )  # the server sees that all has left, and forgets it; who closes sooner may get some again
        component.socket.close()
        time.sleep(0.5)
        later = RawComponent(again)
        later.socket.settimeout(1.0)
        rest = later.until(b"</message>")
        self.assertNotIn(b"<body>", rest)

    def test_reader_that_never_reads(self) -> None:
        """At most ``send_buffer_bytes`` are held for it, then it is cut; others are served meanwhile."""
        options = "[limits]\nsend_buffer_bytes = 1_000_000\nburst_bytes = 67_108_864\n" + OPTIONS.replace(
            "queue = true", "queue = false"
        )
        server = ServerProcess(temporary_folder(self), options, ((ALICE, PASSWORD),))
        self.addCleanup(server.stop)
        component = RawComponent(server)
        before = server.resident_bytes()

        async def flood() -> None:
            alice = SlixmppClient(f"{ALICE}/desk", PASSWORD, server)
            self.assertEqual(await alice.log_in(), "session_start")
            errors = asyncio.get_running_loop().create_future()

            def refused(_: Any) -> None:
                if not errors.done():
                    errors.set_result(None)

            alice.add_event_handler("message_error", refused)
            body = "x" * 50_000
            for _ in range(400):
                alice.send_message(JID(f"sms@{GATEWAY}"), body, mtype="chat")
                await asyncio.sleep(0)
                if errors.done():
                    break
            await asyncio.wait_for(errors, TIMEOUT_S)
            alice.send_message(JID(alice.boundjid.full), "still there", mtype="chat")
            while (await alice.next_message())["body"] != "still there":
                pass
            await alice.leave()

        asyncio.run(flood())
        self.assertLess(server.resident_bytes() - before, 40_000_000)
        component.socket.close()
