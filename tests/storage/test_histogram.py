"""Counting values by bounds."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.storage.histogram import Histogram
from xmppd.storage.interface import Put, StorageFull
from xmppd.storage.memory import MemoryStorage


class HistogramTests(SynchronousTestCase):
    """What Prometheus calls a histogram."""

    def test_counts(self) -> None:
        """A value counts for the first bound that it is not above, and for all larger ones."""
        histogram = Histogram((1, 5))
        for value in (0.5, 1, 2, 7, 100):
            histogram.count(value)
        self.assertEqual(list(histogram.cumulative()), [(1, 2), (5, 3), (None, 5)])
        self.assertEqual(histogram.total, 110.5)

    def test_nothing(self) -> None:
        """Without values all is zero."""
        self.assertEqual(list(Histogram((1,)).cumulative()), [(1, 0), (None, 0)])


class WritesTests(SynchronousTestCase):
    """The same, by a storage."""

    def test_memory(self) -> None:
        """What is committed counts, and what fails counts as that."""
        storage = MemoryStorage()
        put = Put("a", "b", "c", b"d")
        self.successResultOf(storage.commit(put, put))
        storage.failing = StorageFull("full")
        self.failureResultOf(storage.commit(put), StorageFull)
        self.assertEqual((storage.writes.commits, storage.writes.failures), (1, 1))
        self.assertEqual(storage.writes.changes.total, 2)
        self.assertIs(storage.fault, storage.failing)
