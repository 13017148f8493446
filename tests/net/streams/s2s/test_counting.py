"""When a peer is asked what it has got (XEP-0198 4)."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.timers import Timers
from xmppd.net.streams.s2s.counting import ANSWER_S, ASK_AFTER, ASK_S, R, SentCounter
from xmppd.services.federation.outbound import Carrier, Failed, Item, Numbered
from xmppd.services.federation.received import NS
from xmppd.stanza.element import Element
from xmppd.stanza.stanza import Stanza


class QuietSender:
    """A pair that does nothing."""

    ours, theirs = "capulet.example", "montague.example"
    left: Numbered | None = None

    def __init__(self) -> None:
        self.gone: list[Item] = []

    def used(self) -> None:
        """It is not idle."""

    def confirmed(self, items: list[Item]) -> None:
        """These have arrived all the same."""

    def arrived(self, items: list[Item]) -> None:
        """Keep them."""
        self.gone += items

    def lost(self, carrier: Carrier, items: list[Item], failed: Failed | None) -> None:
        """The carrier is gone."""


class AskingTests(SynchronousTestCase):
    """A peer may have to write to its disk for each request."""

    def setUp(self) -> None:
        """Agree on acknowledgements."""
        self.clock = Clock()
        self.written: list[bytes] = []
        self.sender = QuietSender()
        self.hung = 0
        self.counter = SentCounter(self.sender, self.written.append, Timers(self.clock), self.hang)
        self.counter.answered(Element("enabled", NS, {"id": "x", "resume": "true"}))

    def hang(self) -> None:
        """The peer has not answered for long."""
        self.hung += 1

    def send(self, count: int) -> None:
        """So many stanzas are written."""
        for _ in range(count):
            self.counter.written(Item(Stanza.make("message"), "", 0.0, True))

    def acknowledge(self, h: int) -> None:
        """The peer says what it has."""
        self.counter.acknowledged(Element("a", NS, {"h": str(h)}))

    def test_after_so_many(self) -> None:
        """It is asked at once."""
        self.send(ASK_AFTER - 1)
        self.assertEqual(self.written, [])
        self.send(1)
        self.assertEqual(self.written, [R])

    def test_one_at_a_time(self) -> None:
        """While it has not answered, it is not asked again; then it is, if there was enough meanwhile."""
        self.send(3 * ASK_AFTER)
        self.counter.ask()
        self.assertEqual(self.written, [R])
        self.acknowledge(ASK_AFTER)
        self.assertEqual(self.written, [R, R])
        self.acknowledge(3 * ASK_AFTER)
        self.assertEqual(self.written, [R, R])
        self.assertEqual(len(self.sender.gone), 3 * ASK_AFTER)

    def test_what_does_not_cover_the_request(self) -> None:
        """An acknowledgement of less is no answer to it."""
        self.send(2 * ASK_AFTER)
        self.acknowledge(ASK_AFTER - 1)
        self.assertEqual(self.written, [R])

    def test_an_answer_that_does_not_come(self) -> None:
        """From time to time it is asked all the same."""
        self.send(2 * ASK_AFTER)
        self.clock.advance(ASK_S)
        self.assertEqual(self.written, [R, R])

    def test_a_peer_that_hangs(self) -> None:
        """It is told once, when no answer has come for a minute; nothing is left to run then."""
        self.send(ASK_AFTER)
        self.clock.advance(ANSWER_S / 2)
        self.send(ASK_AFTER)
        self.acknowledge(ASK_AFTER)
        self.clock.advance(ANSWER_S / 2)
        self.assertEqual(self.hung, 0)
        self.clock.advance(ANSWER_S / 2)
        self.assertEqual(self.hung, 1)
        self.counter.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_peer_that_answers(self) -> None:
        """Whoever has nothing to answer does not hang, however long it is silent; nor is it looked at for ever."""
        self.send(ASK_AFTER)
        self.acknowledge(ASK_AFTER)
        self.clock.advance(2 * ANSWER_S)
        self.assertEqual(self.hung, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_end(self) -> None:
        """Of a stream that is over nothing is expected."""
        self.send(ASK_AFTER)
        self.counter.stop()
        self.clock.advance(2 * ANSWER_S)
        self.assertEqual(self.hung, 0)
