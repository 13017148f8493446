"""Contacts as slixmpp sees them: roster, subscriptions, presence of two users with two resources, blocking, vCard."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from slixmpp import JID
from slixmpp.exceptions import IqError
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import shared_server
from tests.sockets.test_slixmpp import SlixmppClient

TIMEOUT_S = 20.0
PAIRS = ("roster", "subscribe", "presence", "offline", "block", "vcard")
PASSWORD = "open sesame"
TYPES = ("available", "dnd", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed")


class Person(SlixmppClient):
    """A client that answers nothing by itself and notes the presence that comes: "romeo/desk available"."""

    def __init__(self, address: str) -> None:
        accounts = tuple(
            (f"{who}.{pair}@localhost", PASSWORD) for pair in PAIRS for who in ("romeo", "juliet")
        )
        super().__init__(address, PASSWORD, shared_server(accounts=accounts))
        self.auto_authorize = None
        self.auto_subscribe = False
        self.heard: list[str] = []
        self._news = asyncio.Event()
        for plugin in ("xep_0054", "xep_0191"):
            self.register_plugin(plugin)
        for type in TYPES:
            self.add_event_handler(
                f"presence_{type}", lambda presence, type=type: self._note(presence["from"], type)
            )
        self.add_event_handler("roster_update", self._on_roster)

    async def come(self) -> None:
        """Log in, ask for the roster, be available."""
        assert await self.log_in() == "session_start"
        await self.get_roster()
        await self.be_available()

    async def hear(self, *expected: str) -> None:
        """Wait until all of these have come, in whatever order, and forget them."""
        for text in expected:
            while text not in self.heard:
                self._news.clear()
                await asyncio.wait_for(self._news.wait(), TIMEOUT_S)
            self.heard.remove(text)

    async def settle(self) -> None:
        """Make sure that all that was sent for us before has come."""
        await self.get_roster()

    async def is_refused(self, iq: Any) -> str:
        """Send a request that must fail; give the condition."""
        try:
            await iq.send(timeout=TIMEOUT_S)
        except IqError as error:
            return str(error.iq["error"]["condition"])
        return "no error"

    def contact(self, jid: str) -> tuple[str, str, bool]:
        """Give name, subscription and whether a request is pending, as the client's own roster has them."""
        item = self.client_roster[jid]
        return item["name"], item["subscription"], bool(item["pending_out"])

    def _note(self, sender: JID, type: str) -> None:
        if sender.bare != self.boundjid.bare or type == "unavailable":
            user = sender.user.partition(".")[0]
            self.heard.append(f"{user}/{sender.resource} {type}" if sender.resource else f"{user} {type}")
            self._news.set()

    def _on_roster(self, iq: Any) -> None:
        for jid, item in iq["roster"]["items"].items():
            if iq["type"] == "set":
                self.heard.append(f"{jid.user.partition('.')[0]} is {item['subscription']}")
        self._news.set()


async def befriend(romeo: Person, juliet: Person) -> None:
    """Let two that are available see each other; nothing is left unheard."""
    for asking, asked in ((romeo, juliet), (juliet, romeo)):
        name = asking.boundjid.user.partition(".")[0]
        asking.send_presence_subscription(asked.boundjid.bare)
        await asked.hear(f"{name} subscribe")
        asked.send_presence_subscription(asking.boundjid.bare, ptype="subscribed")
        await asking.hear(f"{asked.boundjid.user.partition('.')[0]}/{asked.boundjid.resource} available")
    for person in (romeo, juliet):
        await person.settle()
        person.heard.clear()


class ContactTests(SynchronousTestCase):
    """Each test has a pair of accounts of its own; all share one server."""

    def play(self, script: Coroutine[Any, Any, None]) -> None:
        """Run *script* in a loop of its own."""
        asyncio.run(script)

    def test_roster(self) -> None:
        """RFC 6121 2: items are added, changed and removed, stored, and pushed to all interested resources."""

        async def script() -> None:
            desk, phone = Person("romeo.roster@localhost/desk"), Person("romeo.roster@localhost/phone")
            await desk.come()
            await phone.come()
            friend = JID("juliet.roster@localhost")
            desk.update_roster(friend, name="Juliet", groups=["Friends"])
            await phone.hear("juliet is none")
            self.assertEqual(phone.contact(friend.bare), ("Juliet", "none", False))
            self.assertEqual(phone.client_roster[friend.bare]["groups"], ["Friends"])
            phone.update_roster(friend, name="J <&> ✓", groups=[])
            await desk.hear("juliet is none")
            await desk.leave()
            again = Person("romeo.roster@localhost/again")
            await again.come()
            self.assertEqual(again.contact(friend.bare), ("J <&> ✓", "none", False))
            await again.del_roster_item(friend)
            await phone.hear("juliet is remove")
            own = phone.make_iq_set()
            own["roster"]["items"] = {"romeo.roster@localhost": {"name": "me"}}
            self.assertEqual(await phone.is_refused(own), "not-allowed")
            await phone.leave()
            await again.leave()

        self.play(script())

    def test_subscribe_approve_remove(self) -> None:
        """RFC 6121 3: asked, approved, both ways, then removed: both rosters and both views of presence agree."""

        async def script() -> None:
            romeo, juliet = (
                Person("romeo.subscribe@localhost/desk"),
                Person("juliet.subscribe@localhost/desk"),
            )
            await romeo.come()
            romeo.send_presence_subscription(juliet.boundjid.bare)
            await romeo.hear("juliet is none")
            self.assertEqual(romeo.contact(juliet.boundjid.bare), ("", "none", True))
            await juliet.come()  # the request has waited for her
            await juliet.hear("romeo subscribe")
            juliet.send_presence_subscription(romeo.boundjid.bare, ptype="subscribed")
            await juliet.hear("romeo is from")
            await romeo.hear("juliet subscribed", "juliet is to", "juliet/desk available")
            juliet.send_presence_subscription(romeo.boundjid.bare)
            await romeo.hear("juliet subscribe")
            romeo.send_presence_subscription(juliet.boundjid.bare, ptype="subscribed")
            await juliet.hear("romeo subscribed", "romeo is both", "romeo/desk available")
            await romeo.hear("juliet is both")
            await romeo.del_roster_item(juliet.boundjid.bare)
            await romeo.hear("juliet is remove", "juliet/desk unavailable")
            await juliet.hear("romeo unsubscribe", "romeo unsubscribed", "romeo/desk unavailable")
            await juliet.settle()
            self.assertEqual(juliet.contact(romeo.boundjid.bare), ("", "none", False))
            romeo.heard.clear()
            juliet.send_presence(pshow="away")
            await juliet.settle()
            await romeo.settle()
            self.assertEqual(romeo.heard, [])
            await romeo.leave()
            await juliet.leave()

        self.play(script())

    def test_presence_of_two_users_with_two_resources_each(self) -> None:
        """RFC 6121 4: everybody sees everybody come, change and go, whether they close or their connection is lost."""

        async def script() -> None:
            people = [
                Person(f"{who}.presence@localhost/{r}") for who in ("romeo", "juliet") for r in ("a", "b")
            ]
            romeo, romeo_b, juliet, juliet_b = people
            await romeo.come()
            await juliet.come()
            await befriend(romeo, juliet)
            await romeo_b.come()
            await romeo_b.hear("juliet/a available")
            await juliet.hear("romeo/b available")
            await juliet_b.come()
            await juliet_b.hear("romeo/a available", "romeo/b available")
            for person in (romeo, romeo_b):
                await person.hear("juliet/b available")
            romeo.send_presence(pshow="dnd", pstatus="fighting")
            for person in (juliet, juliet_b):
                await person.hear("romeo/a dnd")
                shown = person.client_roster[romeo.boundjid.bare].resources["a"]
                self.assertEqual((shown["show"], shown["status"]), ("dnd", "fighting"))
            juliet_b.abort()
            for person in (romeo, romeo_b, juliet):
                await person.hear("juliet/b unavailable")
            await romeo_b.leave()
            for person in (romeo, juliet):
                await person.hear("romeo/b unavailable")
            await juliet.settle()
            self.assertEqual([person.heard for person in (romeo, juliet)], [[], []])
            await romeo.leave()
            await juliet.leave()

        self.play(script())

    def test_offline_messages(self) -> None:
        """XEP-0160: what was sent while somebody was away comes in order, with the time, and once."""

        async def script() -> None:
            romeo = Person("romeo.offline@localhost/desk")
            await romeo.come()
            for number in range(20):
                romeo.send_message(JID("juliet.offline@localhost"), f"number {number}", mtype="chat")
            await romeo.settle()
            juliet = Person("juliet.offline@localhost/desk")
            juliet.register_plugin("xep_0203")
            await juliet.come()
            got = [await juliet.next_message() for _ in range(20)]
            self.assertEqual([message["body"] for message in got], [f"number {n}" for n in range(20)])
            self.assertTrue(all(message["delay"]["stamp"] for message in got))
            await juliet.leave()
            again = Person("juliet.offline@localhost/again")
            await again.come()
            await again.settle()
            self.assertTrue(again.messages.empty())
            await again.leave()
            await romeo.leave()

        self.play(script())

    def test_blocking(self) -> None:
        """XEP-0191: who is blocked sees the other leave and is refused; unblocked, they see each other again."""

        async def script() -> None:
            romeo, juliet = Person("romeo.block@localhost/desk"), Person("juliet.block@localhost/desk")
            await romeo.come()
            await juliet.come()
            await befriend(romeo, juliet)
            blocking: Any = juliet.plugin["xep_0191"]
            await blocking.block(romeo.boundjid.bare)
            await romeo.hear("juliet/desk unavailable")
            listed = await blocking.get_blocked()
            self.assertEqual([item["jid"] for item in listed["blocklist"]], [romeo.boundjid.bare])
            errors: asyncio.Queue[Any] = asyncio.Queue()
            romeo.add_event_handler("message_error", errors.put_nowait)
            romeo.send_message(JID(juliet.boundjid.bare), "hello?", mtype="chat")
            error = await asyncio.wait_for(errors.get(), TIMEOUT_S)
            self.assertEqual(error["error"]["condition"], "service-unavailable")
            await juliet.settle()
            self.assertTrue(juliet.messages.empty())
            juliet.heard.clear()
            await blocking.unblock(romeo.boundjid.bare)
            await romeo.hear("juliet/desk available")
            await juliet.hear("romeo/desk available")
            romeo.send_message(JID(juliet.boundjid.bare), "hello!", mtype="chat")
            self.assertEqual((await juliet.next_message())["body"], "hello!")
            await romeo.leave()
            await juliet.leave()

        self.play(script())

    def test_vcard(self) -> None:
        """XEP-0054: one's own is stored; others may read it, also while its owner is away."""

        async def script() -> None:
            romeo, juliet = Person("romeo.vcard@localhost/desk"), Person("juliet.vcard@localhost/desk")
            await juliet.come()
            vcards: Any = juliet.plugin["xep_0054"]
            card = vcards.make_vcard()
            card["FN"] = "Juliet <&> Capulet ✓"
            await vcards.publish_vcard(card)
            await juliet.leave()
            await romeo.come()
            vcards = romeo.plugin["xep_0054"]
            found = await vcards.get_vcard(JID(juliet.boundjid.bare))
            self.assertEqual(found["vcard_temp"]["FN"], "Juliet <&> Capulet ✓")
            await romeo.leave()

        self.play(script())
