"""A third-party client, slixmpp, and a real server with real TLS: log in, chat both ways, full and bare JID."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from slixmpp import JID, ClientXMPP
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import ServerProcess, shared_server

TIMEOUT_S = 20.0
ALICE, BOB = "alice@localhost", "bob@localhost"
PASSWORDS = {ALICE: "alice's secret", BOB: "bob's secret ✓"}


class SlixmppClient(ClientXMPP):
    """One client, which trusts the server's self-made certificate and no other."""

    def __init__(self, address: str, password: str, server: ServerProcess, *, is_direct_tls: bool = False):
        super().__init__(address, password)
        self._port = server.ports["TLS" if is_direct_tls else "STARTTLS"]
        self.ca_certs = server.certificate
        self.enable_direct_tls, self.enable_starttls = is_direct_tls, not is_direct_tls
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        for event in ("session_start", "failed_all_auth", "connection_failed"):
            self.add_event_handler(event, lambda data, event=event: self._settle(event))
        self.add_event_handler("message", self.messages.put_nowait)

    async def log_in(self) -> str:
        """Connect and authenticate; gives the name of the event that says how it went."""
        self.connect("127.0.0.1", self._port)
        return await asyncio.wait_for(self.outcome, TIMEOUT_S)

    async def be_available(self) -> None:
        """Send initial presence and see it come back."""
        seen = asyncio.get_running_loop().create_future()
        self.add_event_handler("presence_available", seen.set_result, disposable=True)
        self.send_presence()
        await asyncio.wait_for(seen, TIMEOUT_S)

    async def next_message(self) -> Any:
        """Give the next message that comes."""
        return await asyncio.wait_for(self.messages.get(), TIMEOUT_S)

    async def leave(self) -> None:
        """Close the stream."""
        await asyncio.wait_for(self.disconnect(wait=1.0), TIMEOUT_S)

    def _settle(self, event: str) -> None:
        if not self.outcome.done():
            self.outcome.set_result(event)


class SlixmppTests(SynchronousTestCase):
    """One server for all of them."""

    def setUp(self) -> None:
        """Find it."""
        self.server = shared_server("# of these tests alone", tuple(PASSWORDS.items()))

    def play(self, script: Coroutine[Any, Any, None]) -> None:
        """Run *script* in a loop of its own."""
        asyncio.run(script)

    def client(self, address: str, **options: Any) -> SlixmppClient:
        """Give a client that knows its password, or the one in *options*."""
        password = options.pop("password", None) or PASSWORDS[address.partition("/")[0]]
        return SlixmppClient(address, password, self.server, **options)

    def test_chat(self) -> None:
        """STARTTLS, SCRAM, binding; messages to full and bare JID arrive both ways, from the full JID."""

        async def script() -> None:
            alice, bob = self.client(f"{ALICE}/desk"), self.client(BOB)
            self.assertEqual(await alice.log_in(), "session_start")
            self.assertEqual(await bob.log_in(), "session_start")
            self.assertEqual(alice.boundjid.full, f"{ALICE}/desk")
            self.assertTrue(bob.boundjid.resource)
            await alice.be_available()
            await bob.be_available()
            for sender, recipient in ((alice, bob), (bob, alice)):
                for to in (recipient.boundjid.full, recipient.boundjid.bare):
                    sender.send_message(mto=JID(to), mbody=f"for {to} <&> ✓", mtype="chat")
                    message = await recipient.next_message()
                    self.assertEqual(message["body"], f"for {to} <&> ✓")
                    self.assertEqual(message["from"].full, sender.boundjid.full)
                    self.assertEqual(message["to"].full, to)
            await alice.leave()
            await bob.leave()

        self.play(script())

    def test_direct_tls(self) -> None:
        """XEP-0368: TLS from the first byte, and a message to oneself."""

        async def script() -> None:
            alice = self.client(f"{ALICE}/direct", is_direct_tls=True)
            self.assertEqual(await alice.log_in(), "session_start")
            alice.send_message(mto=alice.boundjid, mbody="hello", mtype="chat")
            self.assertEqual((await alice.next_message())["body"], "hello")
            await alice.leave()

        self.play(script())

    def test_wrong_password(self) -> None:
        """It is refused; the right one is taken afterwards."""

        async def script() -> None:
            wrong = self.client(ALICE, password="a guess")
            self.assertEqual(await wrong.log_in(), "failed_all_auth")
            await wrong.leave()
            right = self.client(ALICE)
            self.assertEqual(await right.log_in(), "session_start")
            await right.leave()

        self.play(script())

    def test_unknown_user(self) -> None:
        """It is refused in the same way."""

        async def script() -> None:
            nobody = self.client("nobody@localhost", password="a guess")
            self.assertEqual(await nobody.log_in(), "failed_all_auth")
            await nobody.leave()

        self.play(script())

    def test_offline_message(self) -> None:
        """A message to an account that is not there arrives when it comes."""

        async def script() -> None:
            alice = self.client(f"{ALICE}/sender")
            self.assertEqual(await alice.log_in(), "session_start")
            alice.send_message(mto=JID(BOB), mbody="when you come", mtype="chat")
            await alice.leave()
            bob = self.client(f"{BOB}/later")
            self.assertEqual(await bob.log_in(), "session_start")
            bob.send_presence()
            self.assertEqual((await bob.next_message())["body"], "when you come")
            await bob.leave()

        self.play(script())

    def test_commands(self) -> None:
        """XEP-0050: the user finds the commands where clients look for them, lists the clients, and revokes one."""

        async def script() -> None:
            desk, phone = self.client(f"{ALICE}/own"), self.client(f"{ALICE}/revoked")
            self.assertEqual([await desk.log_in(), await phone.log_in()], ["session_start"] * 2)
            desk.register_plugin("xep_0050")
            commands: Any = desk.plugin["xep_0050"]
            host = JID("localhost")
            found = await commands.get_commands(jid=host)
            names = {node: name for _, node, name in found["disco_items"]["items"]}
            listed = await commands.send_command(host, "clients/list")
            self.assertEqual(listed["command"]["status"], "completed")
            resources = [item["resource"] for item in listed["command"]["form"].get_items()]
            self.assertLessEqual({"own", "revoked"}, {*resources})
            self.assertIn("clients/revoke", names)
            asked = await commands.send_command(host, "clients/revoke")
            form = asked["command"]["form"]
            options = form.get_fields()["client"]["options"]
            (chosen,) = [each["value"] for each in options if "revoked, 127.0.0.1, TLS" in each["label"]]
            form.reply()
            form.set_values({"client": chosen})
            ended = asyncio.get_running_loop().create_future()
            phone.add_event_handler("stream_error", ended.set_result, disposable=True)
            answer = await commands.send_command(
                host,
                "clients/revoke",
                action="complete",
                payload=form,
                sessionid=asked["command"]["sessionid"],
            )
            self.assertEqual(answer["command"]["status"], "completed")
            error = await asyncio.wait_for(ended, TIMEOUT_S)
            self.assertEqual(error["condition"], "policy-violation")
            await desk.leave()

        self.play(script())
