"""Connects to the first of several addresses that answers: RFC 8305 5, both families side by side."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from xmppd.core.outgoing import CannotConnect
from xmppd.core.timers import Timer, Timers

APART_S: Final = 0.25
"""How long one address has for itself before the next is tried beside it (RFC 8305 5)."""
T = TypeVar("T")


def interleaved(addresses: Sequence[str]) -> list[str]:
    """Give addresses in the order of RFC 8305 4: the families take turns, the first one's first."""
    if not addresses:
        return []
    first_is_6 = ":" in addresses[0]
    first = [each for each in addresses if (":" in each) == first_is_6]
    other = [each for each in addresses if (":" in each) != first_is_6]
    row: list[str] = []
    while first or other:
        row += [each.pop(0) for each in (first, other) if each]
    return row


class Race(Generic[T]):
    """Attempts of which the first that succeeds is taken, and the others are given up."""

    def __init__(self, timers: Timers, attempts: Sequence[Callable[[], Deferred[T]]], timeout_s: float):
        self._timers = timers
        self._left = list(attempts)
        self._running: list[Deferred[T]] = []
        self._timer: Timer | None = None
        self._last: Failure = Failure(CannotConnect("there is no address"))
        self._done: Deferred[T] = Deferred(lambda _: self._stop())
        self._end: Timer | None = timers.add(timeout_s, self._too_late)

    def run(self) -> Deferred[T]:
        """Fires with what the first success gave; fails as the last of them where all do."""
        self._next()
        return self._done

    def _next(self) -> None:
        self._stop_timer()
        if self._done.called:
            return
        if not self._left:
            if not self._running:
                self._timers.stop(self._end)
                self._done.errback(self._last)
            return
        attempt = self._left.pop(0)()
        self._running.append(attempt)
        if self._left:
            self._timer = self._timers.add(APART_S, lambda now, timer, param: self._next())
        attempt.addCallbacks(self._won, self._failed, callbackArgs=(attempt,), errbackArgs=(attempt,))

    def _won(self, result: T, attempt: Deferred[T]) -> None:
        self._running.remove(attempt)
        self._stop()
        if not self._done.called:
            self._done.callback(result)

    def _failed(self, failure: Failure, attempt: Deferred[T]) -> None:
        if attempt in self._running:
            self._running.remove(attempt)
        if failure.check(CancelledError):
            return
        self._last = failure
        self._next()

    def _too_late(self, now: float, timer: object, param: None) -> None:
        self._end = None
        self._stop()
        if not self._done.called:
            self._done.errback(CannotConnect("no answer in time"))

    def _stop(self) -> None:
        self._stop_timer()
        self._timers.stop(self._end)
        self._left = []
        running, self._running = self._running, []
        for attempt in running:
            attempt.cancel()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timers.stop(self._timer)
            self._timer = None
