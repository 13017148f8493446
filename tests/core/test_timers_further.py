"""What the rows of the timers do not say, and pauses."""

import gc
import weakref

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock

from tests.core.timing import TimersCase
from xmppd.core.timers import Timers


class FurtherTests(TimersCase):
    """What the rows do not say."""

    def test_delay_must_be_finite(self) -> None:
        """A delay that is not finite is the caller's bug, and changes nothing."""
        timer = self.timers.add(1, self.record, "x")
        for delay_s in (float("inf"), float("nan")):
            self.assertRaises(ValueError, self.timers.add, delay_s, self.record)
            self.assertRaises(ValueError, self.timers.reschedule, timer, delay_s)
        self.clock.advance(1)
        self.assertEqual(self.ran, ["x"])

    def test_earlier_timer_wakes_earlier(self) -> None:
        """A timer due before all others moves the one delayed call instead of making another."""
        for delay_s in (9, 5, 7, 1):
            self.timers.add(delay_s, self.record, delay_s)
        self.assertEqual((self.clock.asked, len(self.clock.getDelayedCalls())), (1, 1))
        self.clock.advance(1)
        self.assertEqual(self.ran, [1])
        self.clock.pump([1.0] * 8)
        self.assertEqual(self.ran, [1, 5, 7, 9])

    def test_measures_by_another_clock(self) -> None:
        """With a monotonic clock given, a leap of the reactor's wall time fires nothing too early."""
        monotonic = Clock()
        timers = Timers(self.clock, seconds=monotonic.seconds)
        timers.add(10, self.record, "x")
        monotonic.advance(1)
        self.clock.advance(3600)
        self.assertEqual(self.ran, [])
        monotonic.advance(9)
        self.clock.advance(9)
        self.assertEqual(self.ran, ["x"])

    def test_no_circle_at_rest(self) -> None:
        """Timers with nothing pending die by reference counting alone."""
        timers = Timers(self.clock)
        kept = timers.add(1, self.record)
        timers.add(2, self.record)
        self.clock.advance(3)
        seen = weakref.ref(timers), weakref.ref(kept)
        gc.disable()
        self.addCleanup(gc.enable)
        del timers, kept
        self.assertEqual([reference() for reference in seen], [None, None])


class WaitTests(TimersCase):
    """A pause."""

    def test_fires_later(self) -> None:
        """Even a pause of nothing lets others have their turn first."""
        at_once, later = self.timers.wait(), self.timers.wait(2.0)
        self.assertNoResult(at_once)
        self.clock.advance(0)
        self.successResultOf(at_once)
        self.clock.advance(1.9)
        self.assertNoResult(later)
        self.clock.advance(0.2)
        self.successResultOf(later)
        self.assertEqual(len(self.timers), 0)

    def test_cancelled(self) -> None:
        """Who waits no longer leaves no timer."""
        pause = self.timers.wait(2.0)
        pause.cancel()
        self.failureResultOf(pause, CancelledError)
        self.assertEqual((len(self.timers), self.clock.getDelayedCalls()), (0, []))
