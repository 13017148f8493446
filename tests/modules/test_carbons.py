"""Message Carbons (XEP-0280) where a dialogue does not reach: bounds, reloading, forged copies from elsewhere."""

import sys

from twisted.trial.unittest import SynchronousTestCase

from xmppd.modules.carbons import REMEMBERED, Carbons
from xmppd.services.inbox.store import PAGE as BATCH
from xmppd.stanza.stanza import Stanza
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer

ENABLE = "<iq type='set' id='e'><enable xmlns='urn:xmpp:carbons:2'/></iq>"
LONG = "x" * 1_000
RECEIVED = "{urn:xmpp:carbons:2}received"


class CarbonsTests(SynchronousTestCase):
    """The module in a whole server in memory."""

    def setUp(self) -> None:
        """Romeo has two clients, one of which gets copies; Juliet has one."""
        self.memory = MemoryServer("[modules.mam]\nenabled = false\n")
        self.romeo = self.memory.logged_in("romeo@localhost/orchard")
        self.home = self.memory.logged_in("romeo@localhost/home")
        self.juliet = self.memory.logged_in("juliet@localhost/balcony")
        self.home.send(ENABLE)
        self.home.inbox.clear()
        self.host = self.memory.server.hosts["localhost"]

    @property
    def carbons(self) -> Carbons:
        """Give the module."""
        module = self.host.modules["carbons"]
        assert isinstance(module, Carbons)
        return module

    def test_nothing_is_remembered_of_accounts_without_copies(self) -> None:
        """Who has no client with copies costs nothing; when the last such client leaves its account is forgotten."""
        self.juliet.send("<message to='romeo@localhost/orchard' type='chat' id='1'><body/></message>")
        self.romeo.send("<message to='juliet@localhost/balcony' type='chat' id='1'><body/></message>")
        self.assertEqual(list(self.carbons._sent), ["romeo@localhost"])
        close(self.home)
        self.assertEqual((self.carbons._sent, self.carbons._received, self.carbons._enabled), ({}, {}, {}))

    def test_what_is_remembered_is_bounded(self) -> None:
        """Of the messages sent only the latest ids are kept, and none of their length."""
        for number in range(REMEMBERED + 20):
            self.romeo.send(
                f"<message to='juliet@localhost/balcony' type='chat' id='{number}{LONG}'><body/></message>"
            )
        kept = self.carbons._sent["romeo@localhost"]
        self.assertEqual(len(kept), REMEMBERED)
        self.assertLess(max(sys.getsizeof(each) for each in kept), len(LONG))

    def test_what_is_remembered_of_messages_got_is_bounded(self) -> None:
        """Of the latest messages that came little is kept, whatever was in them."""
        children = "".join(f"<x xmlns='{number}{LONG[:99]}'/>" for number in range(30))
        for number in range(REMEMBERED + 20):
            self.romeo.send(
                f"<message to='romeo@localhost/home' type='chat' id='{number}'><body/>{children}</message>"
            )
        kept = self.carbons._received["romeo@localhost"]
        self.assertEqual(len(kept), REMEMBERED)
        self.assertEqual(kept[0][1:], ("chat", (("jabber:client", "body"),)))

    def test_long_ids_are_recognised(self) -> None:
        """XEP-0280 6.1: the error in response to a message is copied, whatever the message's id."""
        self.romeo.send(f"<message to='juliet@localhost/balcony' type='chat' id='{LONG}'><body/></message>")
        self.home.inbox.clear()
        for id in (LONG, LONG + "1"):
            self.juliet.send(
                f"<message to='romeo@localhost/orchard' type='error' id='{id}'><body/></message>"
            )
        self.assertEqual([len(element.findall(RECEIVED)) for element in self.home.inbox], [1])

    def test_reloading_keeps_who_enabled_them(self) -> None:
        """A module that is loaded anew finds the clients that want copies."""
        self.memory.server.loader.unload(self.host, "carbons")
        self.memory.server.loader.load(self.host, "carbons")
        self.juliet.send("<message to='romeo@localhost/orchard' type='chat' id='1'><body/></message>")
        self.assertEqual([len(element.findall(RECEIVED)) for element in self.home.inbox], [1])

    def test_forged_copies_from_elsewhere_are_cut(self) -> None:
        """XEP-0280 12: what another server or a component calls a copy is none."""
        forged = Stanza.make(
            "message",
            b"<body>hi</body><sent xmlns='urn:xmpp:carbons:2'/>",
            to="romeo@localhost/orchard",
            from_="romeo@elsewhere",
            type="chat",
        )
        self.memory.server.router.route(forged)
        self.assertEqual([child.tag for child in self.romeo.inbox[-1]], ["{jabber:client}body"])

    def test_copies_wait_behind_stored_messages(self) -> None:
        """A client that is being handed its offline messages gets copies behind them."""
        close(self.home)
        close(self.romeo)
        for number in range(BATCH + 1):
            self.juliet.send(f"<message to='romeo@localhost' type='chat' id='{number}'><body/></message>")
        home = self.memory.logged_in("romeo@localhost/home2")
        home.send(ENABLE + "<presence/>")
        other = self.memory.logged_in("romeo@localhost/orchard2")
        other.send("<message to='juliet@localhost/balcony' type='chat' id='live'><body/></message>")
        self.assertEqual(home.inbox[-1].get("id"), str(BATCH - 1))
        self.memory.clock.advance(0)
        self.assertEqual([element.get("id") for element in home.inbox][-2:], [str(BATCH), None])


def close(client: Client) -> None:
    """Break a client's connection."""
    assert client.carrier is not None
    client.carrier.lose()
