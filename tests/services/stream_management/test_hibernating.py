"""Sessions without a connection are bounded together: those that hold most end, and nothing durable is lost."""

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import NS, Conversation, bodies
from xmppd.core.fanout import Fanout
from xmppd.stanza.stanza import Stanza

PHONES = [f"user{number}@localhost/phone" for number in range(8)]
ROMEO = "romeo@localhost/orchard"
KIB = 1024


class HibernatingTests(SynchronousTestCase):
    """`limits.hibernating_bytes`, here 64 KiB."""

    def setUp(self) -> None:
        """Eight phones are away, and Romeo is there."""
        self.conversation = Conversation(f"[limits]\nhibernating_bytes = {64 * KIB}\n")
        self.hibernating = self.conversation.sm.hibernating
        self.ids = {}
        for phone in PHONES:
            client, self.ids[phone] = self.conversation.client(phone, presence="<presence/>")
            assert client.carrier is not None
            client.carrier.lose()
        self.romeo = self.conversation.memory.logged_in(ROMEO)

    def alive(self) -> list[str]:
        """Give the phones whose sessions are there."""
        return [phone for phone in PHONES if self.conversation.memory.server.registry.get(phone) is not None]

    def room(self, size: int, *phones: str) -> None:
        """Let a room send so much to phones."""
        fanout = Fanout(
            Stanza.make("message", b"<body>%b</body>" % (b"x" * size), from_="room@r/a", type="groupchat")
        )
        for phone in phones:
            fanout.send(self.conversation.session(phone), phone)

    def test_those_that_hold_most_end(self) -> None:
        """Beyond the bound sessions end, the largest first, until an eighth of it is free; the others stay."""
        self.room(20 * KIB, PHONES[5])
        self.room(10 * KIB, PHONES[2])
        self.room(5 * KIB, *PHONES)
        self.assertEqual(len(self.alive()), 8)
        self.conversation.pass_time(0.2)
        self.assertEqual(self.alive(), [phone for phone in PHONES if phone != PHONES[5]])
        self.assertLessEqual(self.hibernating.size_bytes, 56 * KIB)

    def test_of_equals_the_oldest(self) -> None:
        """Who has waited longest has the least hope."""
        self.room(9 * KIB, *PHONES)
        self.conversation.pass_time(0.2)
        self.assertEqual(self.alive(), PHONES[2:])

    def test_durable_messages_are_kept(self) -> None:
        """What must not get lost goes into the offline store, and is there at the next login; once."""
        self.conversation.say(self.romeo, "kept", to=PHONES[5].partition("/")[0])
        self.room(60 * KIB, PHONES[5])
        self.room(1 * KIB, *PHONES)
        self.conversation.pass_time(0.2)
        self.assertNotIn(PHONES[5], self.alive())
        again = self.conversation.memory.logged_in(PHONES[5])
        again.send("<presence/>")
        self.conversation.pass_time(1.0)
        self.assertEqual([body for body in bodies(again) if body], ["kept"])

    def test_who_comes_back_counts_no_more(self) -> None:
        """A session with a connection is bounded by its own queue alone; so is one that has ended."""
        self.room(20 * KIB, *PHONES[:3])
        again = self.conversation.connected(PHONES[0])
        again.send(f"<resume xmlns='{NS}' previd='{self.ids[PHONES[0]]}' h='0'/>")
        self.assertLess(self.hibernating.size_bytes, 42 * KIB)
        self.room(30 * KIB, PHONES[0])
        self.conversation.memory.server.registry.destroy(self.conversation.session(PHONES[1]))
        self.assertLess(self.hibernating.size_bytes, 22 * KIB)
        self.conversation.pass_time(0.2)
        self.assertEqual(self.alive(), [phone for phone in PHONES if phone != PHONES[1]])
        for phone in self.alive():
            self.conversation.memory.server.registry.destroy(self.conversation.session(phone))
        self.assertEqual((len(self.hibernating), self.hibernating.size_bytes), (0, 0))

    def test_what_waits_for_an_inactive_client_counts(self) -> None:
        """XEP-0352: presence that is kept back is held, too."""
        client, _ = self.conversation.client("paris@localhost/phone", presence="<presence/>")
        client.send("<inactive xmlns='urn:xmpp:csi:0'/>")
        assert client.carrier is not None
        client.carrier.lose()
        before = self.hibernating.size_bytes
        fanout = Fanout(Stanza.make("presence", b"<status>%b</status>" % (b"x" * KIB), from_="room@r/a"))
        fanout.send(self.conversation.session("paris@localhost/phone"), "paris@localhost/phone")
        self.assertGreater(self.hibernating.size_bytes, before + KIB)
