"""The per-turn queue of transports: what each was given in one batch of events leaves in one ``send``.

Our own reactor flushes after each batch. On a foreign one the queue schedules itself, one flush a turn, which
costs that turn. A flush is bounded in time, so that a fan-out to thousands does not hold up everybody else.
"""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

FLUSH_BUDGET_S = 0.003
TRANSPORTS_PER_CLOCK_READING = 16


class Flushable(Protocol):
    """What may stand in a flush queue: a transport with something to send."""

    def flush(self) -> None:
        """Send what was gathered; called once for each time the transport was added."""

    def connectionLost(self, reason: Failure) -> None:
        """Give up: flush failed with *reason*."""


class FlushQueue:
    """The transports that have something to send at the end of the reactor's turn.

    With a *reactor* the queue calls itself by ``callLater(0)``; without one its owner calls ``flush``.
    """

    log = Logger()
    __slots__ = ("_clock", "_is_scheduled", "_reactor", "_waiting")

    def __init__(self, reactor: IReactorTime | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._reactor = reactor
        self._clock = clock
        self._waiting: list[Flushable] = []
        self._is_scheduled = False

    @property
    def is_waiting(self) -> bool:
        """Whether a transport waits to be flushed."""
        return bool(self._waiting)

    def add(self, transport: Flushable) -> None:
        """Have *transport* flushed at the end of this turn; the transport sees to it that it is not added twice."""
        self._waiting.append(transport)
        if self._reactor is not None and not self._is_scheduled:
            self._schedule(self._reactor)

    def flush(self) -> None:
        """Flush those who wait now; who is added meanwhile, or is left when the time is up, has the next turn."""
        self._is_scheduled = False
        batch = self._waiting
        if not batch:
            return
        self._waiting = []
        deadline = self._clock() + FLUSH_BUDGET_S
        for start in range(0, len(batch), TRANSPORTS_PER_CLOCK_READING):
            if start and self._clock() > deadline:
                self._waiting[:0] = batch[start:]
                break
            for transport in batch[start : start + TRANSPORTS_PER_CLOCK_READING]:
                try:
                    transport.flush()
                except Exception:  # noqa: BLE001 - a broken connection must not stop the others: it alone is lost
                    self._give_up(transport, Failure())
        if self._reactor is not None and self._waiting and not self._is_scheduled:
            self._schedule(self._reactor)

    def _give_up(self, transport: Flushable, failure: Failure) -> None:
        self.log.failure("a transport failed while it was flushed", failure)
        try:
            transport.connectionLost(failure)
        except Exception:  # noqa: BLE001 - as above
            self.log.failure("a protocol failed in connectionLost")

    def _schedule(self, reactor: IReactorTime) -> None:
        self._is_scheduled = True
        reactor.callLater(0, self.flush)


def flush_queue_of(reactor: IReactorTime) -> FlushQueue:
    """The queue that *reactor* flushes itself if it is ours, else a new one that schedules itself on it."""
    own = getattr(reactor, "flush_queue", None)
    return own if isinstance(own, FlushQueue) else FlushQueue(reactor)
