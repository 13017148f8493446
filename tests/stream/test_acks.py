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


class Many:
    """A stanza to many, as the queue sees it."""

    def __init__(self, name: str, size_bytes: int):
        self.head, self.tail, self.size_bytes = b"", name.encode(), size_bytes
        self.sent_at: float | None = 1.0

    def copy(self, to: str) -> Stanza:
        """Give the copy for *to*."""
        return Stanza.make("presence", id=self.tail.decode(), to=to)


class CopiesTests(SynchronousTestCase):
    """Copies of what goes to many, whose address is kept where it is another than before."""

    ADDRESSES = ("a@b/c", "a@b/c", None, "a@b/c", "a@b", "a@b", None, "a@b", "a@b/c", "a@b/c")

    def setUp(self) -> None:
        """A queue of copies to a full and to a bare JID, and of stanzas between them."""
        self.queue, self.expected = Outgoing(), list[tuple[str | None, str | None]]()
        for number, to in enumerate(self.ADDRESSES):
            if to is None:
                self.queue.append(STANZA, 2.0, number)
                self.expected.append((None, None))
            else:
                self.queue.append_copy(Many(str(number), 100 * number), to)
                self.expected.append((str(number), to))

    def kept(self) -> list[tuple[str | None, str | None]]:
        """Give the ids and addresses of what is in the queue."""
        return [(each.stanza.id, each.stanza.to) for each in self.queue]

    def test_each_has_its_address(self) -> None:
        """Whichever of them are acknowledged, the rest is what was sent, in order."""
        self.assertEqual(self.kept(), self.expected)
        for h in range(1, len(self.expected) + 1):
            self.assertEqual(self.queue.acknowledge(h), [h - 1] if self.ADDRESSES[h - 1] is None else [])
            self.assertEqual(self.kept(), self.expected[h:])

    def test_each_has_its_weight(self) -> None:
        """What is acknowledged weighs what it weighed when it was sent, at once or one by one."""
        weights = [SIZE if to is None else 100 * number + len(to) for number, to in enumerate(self.ADDRESSES)]
        self.assertEqual(self.queue.size_bytes, sum(weights))
        self.queue.acknowledge(3)
        self.assertEqual(self.queue.size_bytes, sum(weights[3:]))
        for h in range(4, len(weights) + 1):
            self.queue.acknowledge(h)
            self.assertEqual(self.queue.size_bytes, sum(weights[h:]))

    def test_after_all_is_acknowledged(self) -> None:
        """The next copy to the same address has it, too."""
        self.queue.acknowledge(len(self.ADDRESSES))
        self.queue.append_copy(Many("next", 1), "a@b/c")
        self.assertEqual(self.kept(), [("next", "a@b/c")])
        self.assertEqual(self.queue.size_bytes, 1 + len("a@b/c"))

    def test_in_no_place_of_its_own(self) -> None:
        """A copy takes a place in a list: where it goes is kept once for all that go there in a row."""
        many = Many("same", 1)
        queue = Outgoing()
        for _ in range(100):
            queue.append_copy(many, "a@b/c")
        self.assertEqual(sum(kept is many for kept in queue.waiting), 99)


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
