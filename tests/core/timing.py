"""Timers on a clock that counts."""

from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.timers import Timer, Timers


class Param:
    """Something that can be weakly referred to."""


class CountingClock(Clock):
    """A clock that counts what is asked of it."""

    asked = 0

    def callLater(self, delay: float, *args: Any, **kw: Any) -> IDelayedCall:
        """Count, then do it."""
        self.asked += 1
        return super().callLater(delay, *args, **kw)


class TimersCase(SynchronousTestCase):
    """Timers on a test clock, with a record of what has run."""

    def setUp(self) -> None:
        """Start at an odd moment, so that absolute and relative times differ."""
        self.clock = CountingClock()
        self.clock.advance(1000.0)
        self.timers = Timers(self.clock)
        self.ran: list[Any] = []

    def record(self, now: float, timer: Timer, param: object) -> None:
        """A callback that runs once."""
        self.ran.append(param)

    def record_all(self, now: float, timer: Timer, param: object) -> None:
        """A callback that runs once and notes all that it got."""
        self.ran.append((now, timer, param))
