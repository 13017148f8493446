"""XEP-0198 between two servers: what is acknowledged, resumed, and told after a crash; nothing is lost or twice."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.services.federation.received import ReceivedLedger
from xmppd.services.federation.rows import STORE, Kept, Rows
from xmppd.services.federation.sent import SentItems, mark_of, read_mark
from xmppd.storage.interface import part_of
from xmppd.storage.memory import MemoryStorage
from xmppd.stream.acks import TooHigh
from xmppd.testing.peers import PeerServer
from xmppd.testing.server import now

OWNER = part_of(CAPULET, MONTAGUE)


class AckTests(Two):
    """Juliet's client has its stanzas acknowledged, so what she is told must be true."""

    s2s = "retry_min_s = 1"

    def setUp(self) -> None:
        """Have stanzas acknowledged."""
        super().setUp()
        self.juliet.send("<enable xmlns='urn:xmpp:sm:3'/>")
        self.romeo.send("<presence/>")
        self.say("first")
        self.came(self.juliet)
        self.came(self.romeo)

    def rows(self) -> int:
        """Give how many messages the disk holds."""
        count = now(self.capulet.storage.count(STORE, OWNER))
        assert isinstance(count, int)
        return count

    def quickly(self, text: str) -> None:
        """Say something, and give nobody time to acknowledge it."""
        self.juliet.send(f"<message to='romeo@{MONTAGUE}' type='chat'><body>{text}</body></message>")
        self.settle(0.01)

    def bodies(self) -> list[str]:
        """Give what Romeo was told."""
        return [
            each.removeprefix("message chat ")
            for each in self.came(self.romeo)
            if each.startswith("message chat")
        ]

    def test_acknowledged(self) -> None:
        """An entry is there until the peer's ``<a/>``."""
        self.quickly("second")
        self.assertEqual(self.rows(), 1)
        self.settle(1)
        self.assertEqual(self.rows(), 0)

    def test_resumed(self) -> None:
        """A broken connection: what had arrived is not sent again, what had not is."""
        self.quickly("second")
        self.quickly("third")
        wire = next(
            wire for wire in self.network.wires if wire.peer is not None and wire.address == "127.0.0.1"
        )
        wire.is_frozen = True
        self.quickly("fourth")
        self.montague.break_connections()
        self.settle(10)
        self.assertEqual(self.bodies(), ["second", "third", "fourth"])
        self.assertEqual(self.rows(), 0)

    def test_the_receiver_starts_anew(self) -> None:
        """It says how many stanzas of the stream it has kept."""
        self.quickly("second")
        self.assertEqual(self.bodies(), ["second"])
        self.montague.vanish()
        self.quickly("third")
        self.montague = PeerServer(self.montague.text, self.network, self.montague.storage)
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")
        self.romeo.send("<presence/>")
        self.settle(10)
        self.assertEqual(self.bodies(), ["third"])
        self.assertEqual(self.rows(), 0)

    def test_the_sender_starts_anew(self) -> None:
        """Its entries say which stanzas of which stream they were."""
        self.quickly("second")
        self.capulet.vanish()
        self.assertEqual(self.rows(), 1)
        self.capulet = PeerServer(self.capulet.text, self.network, self.capulet.storage)
        self.settle(10)
        self.assertEqual(self.bodies(), ["second"])
        self.assertEqual(self.rows(), 0)

    def test_the_sender_starts_anew_behind_a_queue(self) -> None:
        """What had waited is numbered before it is sent."""
        self.montague.vanish()
        for text in ("second", "third"):
            self.quickly(text)
        self.montague.listen()
        while not (seen := self.bodies()):
            self.settle(0.05)
        self.capulet.vanish()
        self.capulet = PeerServer(self.capulet.text, self.network, self.capulet.storage)
        self.settle(10)
        self.assertEqual(seen + self.bodies(), ["second", "third"])
        self.assertEqual(self.rows(), 0)

    def test_killed_when_it_has_just_heard_what_arrived(self) -> None:
        """promises#outgoing-messages: an entry of an earlier stream is gone before one of the next stream is there."""
        self.quickly("second")
        self.montague.vanish()
        self.quickly("third")
        self.montague = PeerServer(self.montague.text, self.network, self.montague.storage)
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")
        self.romeo.send("<presence/>")
        while not (seen := self.bodies()):
            self.settle(0.01)
        left = self.capulet.storage.killed()
        self.capulet.vanish()
        self.capulet = PeerServer(self.capulet.text, self.network, left)
        self.settle(10)
        self.assertEqual(seen + self.bodies(), ["third"])

    def test_a_stanza_while_the_queue_is_read(self) -> None:
        """At a start: no stream is looked for before it is known which one is to be resumed."""
        self.quickly("second")
        self.capulet.vanish()
        read, load = Deferred[None](), Rows.load

        async def later(rows: Rows, ours: str, theirs: str) -> list[Kept]:
            await read
            return await load(rows, ours, theirs)

        self.patch(Rows, "load", later)
        self.capulet = PeerServer(self.capulet.text, self.network, self.capulet.storage)
        self.juliet = self.capulet.logged_in(f"juliet@{CAPULET}/balcony")
        self.quickly("third")
        read.callback(None)
        self.settle(10)
        self.assertEqual(self.bodies(), ["second", "third"])
        self.assertEqual(self.rows(), 0)

    def test_both_start_anew(self) -> None:
        """Both have their part on disk."""
        self.quickly("second")
        self.assertEqual(self.bodies(), ["second"])
        for server in (self.capulet, self.montague):
            server.vanish()
        self.montague = PeerServer(self.montague.text, self.network, self.montague.storage)
        self.capulet = PeerServer(self.capulet.text, self.network, self.capulet.storage)
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")
        self.romeo.send("<presence/>")
        self.settle(10)
        self.assertEqual(self.bodies(), [])
        self.assertEqual(self.rows(), 0)


class ReceivedTests(SynchronousTestCase):
    """`ReceivedLedger`, on a disk that takes its time."""

    def test_asked_again_and_again(self) -> None:
        """Section 4: a request is answered when what came before it is on disk, whatever is asked behind it."""
        clock, sent = Clock(), list[bytes]()
        ledger = ReceivedLedger("id", OWNER, MemoryStorage(clock, 0.1))
        ledger.send = sent.append
        for _ in range(10):
            ledger.routing([])
            ledger.handled(is_waiting=False)
            ledger.requested()
            clock.advance(0.05)
        self.assertGreater(len(sent), 2)
        clock.pump([0.1] * 3)
        self.assertEqual(sent[-1], b"<a xmlns='urn:xmpp:sm:3' h='10'/>")
        clock.advance(1)
        self.assertEqual(len(sent), len(set(sent)))


class SentTests(Two):
    """`SentItems`."""

    def test_more_than_was_sent(self) -> None:
        """Section 4: an error."""
        self.assertRaises(TooHigh, SentItems("id").acknowledge, 1)

    def test_marks(self) -> None:
        """They come back."""
        self.assertEqual(read_mark(mark_of("a:b", 7)), ("a:b", 7))
        self.assertEqual(read_mark(b""), None)
