"""Presence of contacts whose server vanishes, and comes back: RFC 6121 4.3 and 4.5, as far as it says what to do."""

from twisted.trial.unittest import SynchronousTestCase

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.services.federation.contacts import ANSWER_S, ASK_AFTER_S, KEPT_OF_ONE
from xmppd.stanza.jid import JID
from xmppd.testing.client import Client
from xmppd.testing.peers import PeerServer
from xmppd.testing.server import MemoryServer

JULIET, ROMEO = f"juliet@{CAPULET}", f"romeo@{MONTAGUE}"
ROSTER = "<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>"
ASKED_S = ASK_AFTER_S + 2


class ContactsTests(Two):
    """Juliet sees Romeo's presence, and Romeo hers."""

    s2s = "retry_min_s = 10\nretry_max_s = 20"

    def setUp(self) -> None:
        """Let them subscribe to each other."""
        super().setUp()
        for client in (self.juliet, self.romeo):
            client.send(ROSTER + "<presence/>")
        self.settle()
        for one, other, client, friend in (
            (JULIET, ROMEO, self.juliet, self.romeo),
            (ROMEO, JULIET, self.romeo, self.juliet),
        ):
            client.send(f"<presence to='{other}' type='subscribe'/>")
            self.settle()
            friend.send(f"<presence to='{one}' type='subscribed'/>")
            self.settle()
        self.came(self.juliet)
        self.came(self.romeo)

    def seen(self, client: Client) -> list[str]:
        """Give whose presence has come to a client, and of which type."""
        found = [
            f"{each.get('from')} {each.get('type') or 'available'}"
            for each in client.inbox
            if each.tag == "{jabber:client}presence"
        ]
        client.inbox.clear()
        return found

    def unplug(self) -> None:
        """Cut the network between the two: both go on, and neither reaches the other."""
        self.network.listening.clear()
        self.montague.break_connections()

    def test_a_server_that_vanishes(self) -> None:
        """Whoever saw its people is told that they are gone, once."""
        self.montague.vanish()
        self.settle(ASKED_S + 30)
        self.assertEqual(self.seen(self.juliet), [f"{ROMEO}/orchard unavailable"])
        self.settle(300)
        self.assertEqual(self.seen(self.juliet), [])

    def test_a_server_that_comes_back(self) -> None:
        """It is sought without a stanza for it, and its people are asked for: here they had been there all along."""
        self.unplug()
        self.settle(ASKED_S + 30)
        self.assertEqual(self.seen(self.romeo), [f"{JULIET}/balcony unavailable"])
        self.seen(self.juliet)
        self.capulet.listen()
        self.montague.listen()
        self.settle(30)
        self.assertEqual(set(self.seen(self.juliet)), {f"{ROMEO}/orchard available"})
        self.assertEqual(set(self.seen(self.romeo)), {f"{JULIET}/balcony available"})

    def test_a_server_that_comes_to_us(self) -> None:
        """The same when it makes the first step."""
        self.montague.vanish()
        self.settle(ASKED_S + 30)
        self.seen(self.juliet)
        self.montague = PeerServer(self.montague.text, self.network, self.montague.storage)
        self.romeo = self.montague.logged_in(f"{ROMEO}/window")
        self.romeo.send(ROSTER + "<presence/>")
        self.settle(1)
        self.assertEqual(set(self.seen(self.juliet)), {f"{ROMEO}/window available"})

    def test_a_server_that_starts_anew(self) -> None:
        """What it has forgotten is gone; nobody else had to say so."""
        self.montague.vanish()
        self.montague = PeerServer(self.montague.text, self.network, self.montague.storage)
        self.settle(ASKED_S + ANSWER_S + 1)
        self.assertEqual(self.seen(self.juliet)[-1], f"{ROMEO}/orchard unavailable")

    def test_a_connection_that_breaks(self) -> None:
        """Whoever is still there is not told to have left."""
        self.montague.break_connections()
        self.settle(ASKED_S + ANSWER_S + 1)
        self.assertEqual(set(self.seen(self.juliet)), {f"{ROMEO}/orchard available"})

    def test_an_orderly_end(self) -> None:
        """A stream that is closed means nothing: another one is found when it is needed."""
        sent = self.capulet.peers.federation.counters.sent
        self.settle(700)
        self.assertEqual(self.capulet.peers.connections.streams, [])
        self.assertEqual(self.seen(self.juliet), [])
        self.assertEqual(self.capulet.peers.federation.counters.sent, sent)

    def test_those_who_are_blocked(self) -> None:
        """XEP-0191: they are not asked."""
        block = f"<block xmlns='urn:xmpp:blocking'><item jid='{ROMEO}'/></block>"
        self.juliet.send(f"<iq id='b' type='set'>{block}</iq>")
        self.settle()
        self.juliet.inbox.clear()
        sent = self.capulet.peers.federation.counters.sent
        self.montague.break_connections()
        self.settle(ASKED_S)
        self.assertEqual(self.capulet.peers.federation.counters.sent, sent)

    def test_strangers_are_not_noted(self) -> None:
        """What a room or a stranger shows is theirs to take back."""
        contacts = self.capulet.peers.federation.contacts
        self.romeo.send("<presence type='unavailable'/>")
        self.settle()
        self.assertEqual(contacts._known, {})
        stranger = self.montague.logged_in(f"tybalt@{MONTAGUE}/x")
        stranger.send(f"<presence/><presence to='{JULIET}/balcony'/>")
        self.settle()
        self.assertEqual(contacts._known, {})

    def test_the_bound(self) -> None:
        """A contact with a great many resources does not fill the memory."""
        contacts = self.capulet.peers.federation.contacts
        for index in range(KEPT_OF_ONE + 10):
            sender = JID.of_prepared(f"{ROMEO}/{index}")
            contacts.heard(JID.of_prepared(JULIET), sender, is_available=True)
        self.assertEqual((contacts._count, len(contacts._known)), (KEPT_OF_ONE, 1))


class PrivilegedTests(Two):
    """A component that hears what accounts hear of their contacts (XEP-0356 7.4), and comes later than they."""

    def setUp(self) -> None:
        """Let Juliet see Romeo's presence, at a server with such a component."""
        super().setUp()
        text = self.capulet.text + (
            "[components.'sms.capulet.example']\nsecret = 'open sesame'\n"
            "[modules.privilege.components.'sms.capulet.example']\nroster = 'get'\npresence = 'roster'\n"
        )
        self.capulet.vanish()
        self.capulet = PeerServer(text, self.network, self.capulet.storage)
        self.juliet = self.capulet.logged_in(f"{JULIET}/balcony")
        for client in (self.juliet, self.romeo):
            client.send(ROSTER + "<presence/>")
        self.juliet.send(f"<presence to='{ROMEO}' type='subscribe'/>")
        self.settle()
        self.romeo.send(f"<presence to='{JULIET}' type='subscribed'/>")
        self.settle()

    def test_who_was_there_before(self) -> None:
        """8.1: the component is told who is available, at other servers too."""
        gateway = self.capulet.component("sms.capulet.example")
        self.settle()
        heard = [each.get("from") for each in gateway.inbox if each.tag.endswith("presence")]
        self.assertIn(f"{ROMEO}/orchard", heard)


class ComponentTests(SynchronousTestCase):
    """A component's contacts (XEP-0114): it is a server that may vanish, too."""

    def setUp(self) -> None:
        """Show a contact of a gateway to Juliet."""
        self.world = MemoryServer("[components.'sms.localhost']\nsecret = 'open sesame'")
        self.juliet = self.world.logged_in("juliet@localhost/balcony")
        self.juliet.send(ROSTER + "<presence/><presence to='nurse@sms.localhost' type='subscribe'/>")
        self.gateway = self.world.component("sms.localhost")
        self.gateway.send(
            "<presence from='nurse@sms.localhost' to='juliet@localhost' type='subscribed'/>"
            "<presence from='nurse@sms.localhost/phone' to='juliet@localhost'/>"
        )
        self.world.settle()
        self.juliet.inbox.clear()

    def seen(self) -> list[tuple[str | None, str | None]]:
        """Give the presence that has come."""
        found = [(each.get("from"), each.get("type")) for each in self.juliet.inbox]
        self.juliet.inbox.clear()
        return found

    def test_it_disconnects(self) -> None:
        """After a while its contacts have left, and when it is back they are asked for."""
        assert self.gateway.carrier is not None
        self.gateway.carrier.lose()
        self.world.pass_time(ASK_AFTER_S - 1)
        self.assertEqual(self.seen(), [])
        self.world.pass_time(ANSWER_S + 2)
        self.assertEqual(self.seen(), [("nurse@sms.localhost/phone", "unavailable")])
        gateway = self.world.component("sms.localhost")
        self.world.settle()
        probe = gateway.inbox.popleft()
        self.assertEqual((probe.get("type"), probe.get("to")), ("probe", "nurse@sms.localhost"))

    def test_it_starts_anew(self) -> None:
        """It is asked who is there, and whoever it shows has not left."""
        assert self.gateway.carrier is not None
        self.gateway.carrier.lose()
        gateway = self.world.component("sms.localhost")
        self.world.pass_time(ASK_AFTER_S + 1)
        self.assertEqual([each.get("type") for each in gateway.inbox], ["probe"])
        gateway.send("<presence from='nurse@sms.localhost/phone' to='juliet@localhost'/>")
        self.world.pass_time(ANSWER_S + 1)
        self.assertEqual(self.seen(), [("nurse@sms.localhost/phone", None)])
