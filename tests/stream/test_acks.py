"""The counters of XEP-0198."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza.stanza import Stanza
from xmppd.stream.acks import MODULUS, Incoming, Outgoing, TooHigh, is_up_to

STANZA = Stanza.make("presence", from_="juliet@localhost/balcony")
SIZE = len(STANZA.to_bytes())


def outgoing(count: int, start: int = 0) -> Outgoing:
    """Give a queue of so many stanzas, counted from *start*."""
    queue = Outgoing(start)
    for number in range(count):
        queue.append(STANZA, float(number), f"record {number}")
    return queue


class OutgoingTests(SynchronousTestCase):
    """What was sent and is not acknowledged."""

    def test_acknowledged_from_the_front(self) -> None:
        """XEP-0198 4: an h covers all up to it; the rest stays, in order."""
        queue = outgoing(3)
        self.assertEqual(queue.acknowledge(2), ["record 0", "record 1"])
        self.assertEqual([each.sent_at for each in queue], [2.0])
        self.assertEqual((queue.acknowledged, queue.sent, queue.size_bytes), (2, 3, SIZE))

    def test_nothing_is_kept_with_it(self) -> None:
        """Only what was kept with a stanza is given when that is acknowledged."""
        queue = outgoing(1)
        queue.append(STANZA, 1.0)
        self.assertEqual(queue.acknowledge(2), ["record 0"])
        self.assertEqual((len(queue), queue.size_bytes), (0, 0))

    def test_the_same_again(self) -> None:
        """XEP-0198 4: an h that has not grown says nothing new."""
        queue = outgoing(3)
        queue.acknowledge(2)
        self.assertEqual(queue.acknowledge(2), [])

    def test_too_high(self) -> None:
        """XEP-0198 6: more cannot be acknowledged than was sent; nothing has happened then."""
        queue = outgoing(3)
        with self.assertRaises(TooHigh) as caught:
            queue.acknowledge(4)
        self.assertEqual((caught.exception.h, caught.exception.sent), (4, 3))
        self.assertEqual(len(queue), 3)

    def test_going_back(self) -> None:
        """XEP-0198 6: an h below an earlier one is as wrong as one that is too high."""
        queue = outgoing(3)
        queue.acknowledge(2)
        self.assertRaises(TooHigh, queue.acknowledge, 1)

    def test_around_the_end(self) -> None:
        """XEP-0198 4: the count goes on with 0 behind 2^32 - 1."""
        queue = outgoing(4, MODULUS - 2)
        self.assertEqual((queue.sent, queue.next), (2, 3))
        self.assertEqual(len(queue.acknowledge(MODULUS - 1)), 1)
        self.assertEqual(len(queue.acknowledge(1)), 2)
        self.assertRaises(TooHigh, queue.acknowledge, 3)
        self.assertEqual(len(queue.acknowledge(2)), 1)


class IncomingTests(SynchronousTestCase):
    """What was received and may be acknowledged."""

    def test_nothing_waits(self) -> None:
        """A stanza that changes nothing may be acknowledged at once."""
        count = Incoming()
        count.count(False)
        self.assertEqual((count.handled, count.committed, count.is_settled), (1, 1, True))

    def test_commits_in_order(self) -> None:
        """A stanza is covered when its commit and all before are decided, whatever changes nothing behind it too."""
        count = Incoming()
        for is_waiting in (False, True, False, True, False):
            count.count(is_waiting)
        self.assertEqual((count.handled, count.committed, count.is_settled), (5, 1, False))
        count.decided()
        self.assertEqual((count.committed, count.covers(2), count.covers(4)), (2, True, False))
        count.decided()
        self.assertEqual((count.committed, count.is_settled), (5, True))

    def test_around_the_end(self) -> None:
        """XEP-0198 4: the count goes on with 0 behind 2^32 - 1."""
        count = Incoming(MODULUS - 1)
        self.assertEqual(count.next, 0)
        count.count(True)
        count.count(True)
        self.assertEqual((count.handled, count.covers(0)), (1, False))
        count.decided()
        self.assertEqual(
            (count.committed, count.covers(MODULUS - 1), count.covers(0), count.covers(1)),
            (0, True, True, False),
        )


class RecordedTests(SynchronousTestCase):
    """A count that outlives the server."""

    def test_told_when_recorded(self) -> None:
        """What changes nothing may be acknowledged when a commit holds the count."""
        count = Incoming(is_recorded=True)
        count.count(False)
        self.assertEqual((count.committed, count.is_covered, count.is_settled), (0, False, True))
        count.recording()
        count.count(False)
        count.decided()
        self.assertEqual((count.committed, count.is_covered), (1, False))
        count.count(True)
        count.decided()
        self.assertEqual((count.committed, count.is_covered), (3, True))

    def test_not_kept(self) -> None:
        """A commit that has failed holds no count; the next one does."""
        count = Incoming(is_recorded=True)
        count.count(True)
        count.count(True)
        count.decided(False)
        self.assertEqual(count.committed, 0)
        count.decided()
        self.assertEqual(count.committed, 2)


class ComparisonTests(SynchronousTestCase):
    """Which stanzas an h covers."""

    def test_is_up_to(self) -> None:
        """Counts are compared around the end of their range."""
        self.assertTrue(is_up_to(3, 3))
        self.assertTrue(is_up_to(2, 3))
        self.assertFalse(is_up_to(4, 3))
        self.assertTrue(is_up_to(MODULUS - 1, 1))
        self.assertFalse(is_up_to(1, MODULUS - 1))
