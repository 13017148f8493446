"""The flush queue: one flush a turn, bounded in time, and nobody's failure is another's."""

from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.transport.flush import FLUSH_BUDGET_S, TRANSPORTS_PER_CLOCK_READING, FlushQueue, flush_queue_of


class Recorder:
    """Notes that it was flushed or lost."""

    def __init__(self, error: Exception | None = None) -> None:
        self.flushes = 0
        self.lost: list[Failure] = []
        self._error = error

    def flush(self) -> None:
        """Note it, or fail."""
        self.flushes += 1
        if self._error is not None:
            raise self._error

    def connectionLost(self, reason: Failure) -> None:
        """Note it."""
        self.lost.append(reason)


class FlushQueueTests(SynchronousTestCase):
    """With its owner calling, and on its own."""

    def test_the_owner_flushes(self) -> None:
        """Without a reactor nothing happens before flush, and each entry is flushed once."""
        queue, one, two = FlushQueue(), Recorder(), Recorder()
        queue.add(one)
        queue.add(two)
        self.assertEqual((queue.is_waiting, one.flushes), (True, 0))
        queue.flush()
        queue.flush()
        self.assertEqual((queue.is_waiting, one.flushes, two.flushes), (False, 1, 1))

    def test_on_a_foreign_reactor(self) -> None:
        """The queue schedules itself, one call a turn."""
        clock = Clock()
        queue, one, two = FlushQueue(clock), Recorder(), Recorder()
        queue.add(one)
        queue.add(two)
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        clock.advance(0)
        self.assertEqual((one.flushes, two.flushes, clock.getDelayedCalls()), (1, 1, []))

    def test_the_queue_of_a_reactor(self) -> None:
        """A reactor of ours has its own queue; any other gets one that schedules itself."""
        clock = Clock()
        own = clock.flush_queue = FlushQueue()  # type: ignore[attr-defined]  # as our reactor has it
        self.assertIs(flush_queue_of(clock), own)
        self.assertIsNot(flush_queue_of(Clock()), own)

    def test_who_is_added_while_flushing(self) -> None:
        """It has the next turn, so that a flush ends."""
        queue = FlushQueue()

        class Again(Recorder):
            def flush(self) -> None:
                super().flush()
                queue.add(self)

        again = Again()
        queue.add(again)
        queue.flush()
        self.assertEqual((again.flushes, queue.is_waiting), (1, True))

    def test_a_long_flush_is_cut(self) -> None:
        """After the time is up the rest waits for the next turn, before those who came later."""
        clock = Clock()
        queue = FlushQueue(clock, clock.seconds)

        class Slow(Recorder):
            def flush(self) -> None:
                super().flush()
                clock.rightNow += FLUSH_BUDGET_S

        slow = [Slow() for _ in range(TRANSPORTS_PER_CLOCK_READING * 2)]
        for one in slow:
            queue.add(one)
        queue.flush()
        self.assertEqual(sum(one.flushes for one in slow), TRANSPORTS_PER_CLOCK_READING)
        clock.advance(0)
        self.assertEqual([one.flushes for one in slow], [1] * len(slow))

    def test_a_failure_costs_one_connection(self) -> None:
        """It is logged, that transport is lost, the others are flushed."""
        queue, bad, good = FlushQueue(), Recorder(ValueError("bad")), Recorder()
        queue.add(bad)
        queue.add(good)
        queue.flush()
        self.assertEqual((good.flushes, [lost.type for lost in bad.lost]), (1, [ValueError]))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
