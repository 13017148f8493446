"""slixmpp, two devices of one account and a contact: carbons, the archive in pages, retraction, offline messages.

XEP-0280, XEP-0313, XEP-0424 and XEP-0160 as a client of others speaks them, with a real server and its data on disk.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from slixmpp import JID
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import ServerProcess, shared_server
from tests.sockets.test_slixmpp import TIMEOUT_S, SlixmppClient

PASSWORD = "a secret of theirs"
ACCOUNTS = tuple((f"{name}{number}@localhost", PASSWORD) for name in ("alice", "bob") for number in range(4))
STANZA_ID = "{urn:xmpp:sid:0}stanza-id"
RETRACT = "{urn:xmpp:message-retract:1}retract"
RETRACTED = "{urn:xmpp:message-retract:1}retracted"
PLUGINS = ("xep_0059", "xep_0280", "xep_0313", "xep_0424")
PAGE, MESSAGES = 10, 25


class Device(SlixmppClient):
    """A client that knows of histories, and keeps carbons apart from messages."""

    def __init__(self, address: str, server: ServerProcess) -> None:
        super().__init__(address, PASSWORD, server)
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.copies: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        for direction in ("sent", "received"):
            self.add_event_handler(f"carbon_{direction}", self._copied(direction))

    def say(self, to: str, body: str) -> str:
        """Send a chat message; gives its id."""
        message = self.make_message(mto=JID(to), mbody=body, mtype="chat")
        message.send()
        return str(message["id"])

    async def next_copy(self) -> tuple[str, Any]:
        """Give the direction and the message of the next carbon."""
        return await asyncio.wait_for(self.copies.get(), TIMEOUT_S)

    async def history(self, *, reverse: bool = False) -> list[list[tuple[str, Any]]]:
        """Give all pages of the archive, as slixmpp turns them: each a list of ids with messages."""
        archive: Any = self.plugin["xep_0313"]
        pages = []
        async for page in archive.retrieve(
            iterator=True, reverse=reverse, rsm={"max": PAGE}, timeout=TIMEOUT_S
        ):
            results = [message["mam_result"] for message in page["mam_fin"]["results"]]
            pages.append([(result["id"], result["forwarded"]["stanza"]) for result in results])
        return pages

    def _copied(self, direction: str) -> Callable[[Any], None]:
        return lambda message: self.copies.put_nowait((direction, message[f"carbon_{direction}"]))


def stanza_id(message: Any) -> str:
    """Give the id that the archive of the one who gets *message* has for it; there is exactly one."""
    (element,) = message.xml.findall(STANZA_ID)
    return str(element.get("id"))


class HistoryTests(SynchronousTestCase):
    """One server; each test has accounts of its own."""

    def setUp(self) -> None:
        """Find it, or start it."""
        self.server = shared_server(accounts=ACCOUNTS)

    def play(self, script: Coroutine[Any, Any, None]) -> None:
        """Run *script* in a loop of its own."""
        asyncio.run(asyncio.wait_for(script, TIMEOUT_S))

    async def device(self, address: str, *, is_available: bool = True) -> Device:
        """Give a client that has logged in."""
        device = Device(address, self.server)
        self.assertEqual(await device.log_in(), "session_start")
        if is_available:
            await device.be_available()
        return device

    def test_carbons(self) -> None:
        """XEP-0280: the second device sees what the first sends and receives, under the ids of the archive."""

        async def script() -> None:
            desk, phone = (
                await self.device("alice0@localhost/desk"),
                await self.device("alice0@localhost/phone"),
            )
            bob = await self.device("bob0@localhost/home")
            for device in (desk, phone):
                carbons: Any = device.plugin["xep_0280"]
                await carbons.enable(timeout=TIMEOUT_S)
            bob.say(desk.boundjid.full, "for the desk")
            received = await desk.next_message()
            direction, copy = await phone.next_copy()
            self.assertEqual(
                (direction, copy["body"], copy["to"].full), ("received", "for the desk", desk.boundjid.full)
            )
            self.assertEqual(stanza_id(copy), stanza_id(received))
            desk.say("bob0@localhost", "from the desk")
            self.assertEqual((await bob.next_message())["body"], "from the desk")
            direction, copy = await phone.next_copy()
            self.assertEqual(
                (direction, copy["body"], copy["from"].full), ("sent", "from the desk", desk.boundjid.full)
            )
            ((first, second),) = await phone.history()
            self.assertEqual((first[0], second[0]), (stanza_id(received), stanza_id(copy)))
            self.assertTrue(phone.messages.empty() and desk.copies.empty())
            for device in (desk, phone, bob):
                await device.leave()

        self.play(script())

    def test_archive_in_pages(self) -> None:
        """XEP-0313 4.3, XEP-0059: the archive page by page, from its start and from its end, each message once."""

        async def script() -> None:
            bodies = [f"message {number}" for number in range(MESSAGES)]
            alice, bob = await self.device("alice1@localhost/desk"), await self.device("bob1@localhost/home")
            for body in bodies:
                alice.say("bob1@localhost", body)
            live = [await bob.next_message() for _ in bodies]
            forward = await bob.history()
            self.assertEqual([len(page) for page in forward], [PAGE, PAGE, MESSAGES % PAGE])
            self.assertEqual([message["body"] for page in forward for _, message in page], bodies)
            backward = await bob.history(reverse=True)
            self.assertEqual([len(page) for page in backward], [PAGE, PAGE, MESSAGES % PAGE])
            ids = [archive_id for page in forward for archive_id, _ in page]
            self.assertEqual([archive_id for page in reversed(backward) for archive_id, _ in page], ids)
            self.assertEqual([stanza_id(message) for message in live], ids)
            await alice.leave()
            await bob.leave()

        self.play(script())

    def test_retraction(self) -> None:
        """XEP-0424 4: both archives give a tombstone in the message's place, and the retraction."""

        async def script() -> None:
            alice, bob = await self.device("alice2@localhost/desk"), await self.device("bob2@localhost/home")
            alice.say("bob2@localhost", "a word before")
            wrong = alice.say("bob2@localhost", "to the wrong one")
            retraction: Any = alice.plugin["xep_0424"]
            retracting = retraction.send_retraction(JID("bob2@localhost"), wrong)
            heard = [await bob.next_message() for _ in range(3)]
            self.assertEqual(heard[2].xml.find(RETRACT).get("id"), wrong)
            for device in (alice, bob):
                before, tombstone, after = await self.with_tombstone(device)
                self.assertEqual(before["body"], "a word before")
                self.assertEqual((tombstone["id"], tombstone["body"]), (wrong, ""))
                self.assertEqual(tombstone.xml.find(RETRACTED).get("id"), retracting["id"])
                self.assertEqual(after.xml.find(RETRACT).get("id"), wrong)
                await device.leave()

        self.play(script())

    async def with_tombstone(self, device: Device) -> list[Any]:
        """Give the messages of an archive once one of them is a tombstone; they are made behind the reply."""
        while True:
            messages = [message for page in await device.history() for _, message in page]
            if any(message.xml.find(RETRACTED) is not None for message in messages):
                return messages

    def test_offline_messages(self) -> None:
        """XEP-0160 2: what came while nobody was there comes once, in order, with its time, before live messages."""

        async def script() -> None:
            bodies = [f"message {number}" for number in range(MESSAGES)]
            alice = await self.device("alice3@localhost/desk")
            for body in bodies:
                alice.say("bob3@localhost", body)
            watch = await self.device("bob3@localhost/watch", is_available=False)
            bob = await self.device("bob3@localhost/home")
            alice.say("bob3@localhost", "live")
            heard = [await bob.next_message() for _ in range(MESSAGES + 1)]
            self.assertEqual([message["body"] for message in heard], [*bodies, "live"])
            stamps = [message["delay"]["stamp"] for message in heard[:-1]]
            self.assertEqual(stamps, sorted(stamps))
            ids = [archive_id for page in await bob.history() for archive_id, _ in page]
            self.assertEqual([stanza_id(message) for message in heard], ids)
            await bob.leave()
            await watch.be_available()
            alice.say("bob3@localhost", "later")
            self.assertEqual((await watch.next_message())["body"], "later")
            await alice.leave()
            await watch.leave()

        self.play(script())
