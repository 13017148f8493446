"""Many timers on one delayed call: add, stop, reschedule, repeat.

Rules that live here (the rows t1 to t12 of the tests):

- a callback gets (now, timer, param) and runs again n seconds later if it returns the number n;
- anything else returned ends it;
- what is stopped, has ended or failed is forgotten at once: neither callback nor parameter is kept;
- equal deadlines fire in the order in which they were set;
- when many are due together, those that `BUDGET_S` is not enough for fire in the clock's next turns, in the same order;
- a callback that fails is logged with its traceback and ends; the others go on.

The timers lie in a heap. A stopped one leaves its entry behind, one that is put off keeps its old entry until
that comes up; when such leftovers dominate, the heap is built anew. So adding and stopping cost O(log n),
putting off O(1), and the clock sees one delayed call however many timers there are.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import isfinite
from typing import Any, Final, TypeGuard

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

TimerCallback = Callable[[float, "Timer", Any], object]
"""What a timer calls: (now, timer, param) → seconds until the next run; anything but a number ends it."""

BUDGET_S: Final = 0.003
"""After that long others have their turn: a network that breaks leaves thousands of sessions with one deadline."""

_COMPACT_ABOVE = 64
"""Heaps up to this size are not worth building anew."""

_NO_ENTRY = 0


class Timer:
    """One timer, as given by `Timers.add`: an identifier to stop it or to reschedule it by."""

    __slots__ = ("__weakref__", "_callback", "_due", "_entry", "_group", "_order", "_param")

    def __init__(self, group: object, callback: TimerCallback, param: object) -> None:
        self._group = group
        self._callback: TimerCallback | None = callback
        self._param = param
        self._due = 0.0
        self._order = _NO_ENTRY  # place among equal deadlines
        self._entry = (
            _NO_ENTRY  # the order under which the heap knows it: older than _order once it was put off
        )

    @property
    def is_alive(self) -> bool:
        """Whether it is pending, or just running and neither stopped nor failed."""
        return self._callback is not None

    def _forget(self) -> None:
        self._callback = self._param = None
        self._entry = _NO_ENTRY


class Timers:
    """Timers on a clock. *seconds* is the clock to measure by, if it is not *clock*'s own: on a reactor whose
    ``seconds`` is wall time, give it ``time.monotonic``."""

    __slots__ = (
        "__weakref__",
        "_call",
        "_clock",
        "_group",
        "_heap",
        "_last_order",
        "_pending",
        "_running",
        "_seconds",
        "_wakes_at",
    )

    _log = Logger()

    def __init__(self, clock: IReactorTime, *, seconds: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._seconds: Callable[[], float] = seconds or clock.seconds
        self._group = object()  # marks our timers without their knowing us: no reference cycle
        self._heap: list[tuple[float, int, Timer]] = []
        self._pending = 0
        self._last_order = _NO_ENTRY
        self._running: Timer | None = None
        self._call: IDelayedCall | None = None
        self._wakes_at = 0.0

    def __len__(self) -> int:
        """How many timers are pending."""
        return self._pending

    def seconds(self) -> float:
        """Give the time by which delays are measured."""
        return self._seconds()

    def add(self, delay_s: float, callback: TimerCallback, param: object = None) -> Timer:
        """A new timer that calls callback(now, timer, param) in *delay_s* seconds, never before this returns.

        A delay of 0 or less is as soon as possible. ValueError if it is not finite.
        """
        due = self._due_in(delay_s)
        timer = Timer(self._group, callback, param)
        self._schedule(timer, due)
        return timer

    def wait(self, seconds: float = 0.0) -> Deferred[None]:
        """Fires in so many seconds, never before this returns, so that others have their turn.

        To cancel it ends its timer.
        """
        done: Deferred[None] = Deferred(lambda _: self.stop(timer))
        timer = self.add(seconds, _fire, done)
        return done

    def stop(self, timer: object) -> None:
        """End *timer*: it does not fire again, not even if it is just running and asks for it.

        No effect on anything but a living timer of ours.
        """
        if not self._owns(timer):
            return
        if timer._entry:
            self._pending -= 1
        timer._forget()
        self._compact()

    def reschedule(self, timer: object, delay_s: float) -> None:
        """Let *timer* fire *delay_s* seconds from now instead of when it would have.

        No effect on anything but a living timer of ours. ValueError if the delay is not finite.
        """
        due = self._due_in(delay_s)
        if self._owns(timer):
            self._schedule(timer, due)

    def stop_all(self) -> None:
        """End every timer and leave no delayed call, as at shutdown. New ones may be added afterwards."""
        for _, _, timer in self._heap:
            timer._forget()
        if self._running is not None:
            self._running._forget()
        self._heap.clear()
        self._pending = 0
        self._rest()

    def _owns(self, timer: object) -> TypeGuard[Timer]:
        return isinstance(timer, Timer) and timer._group is self._group and timer._callback is not None

    def _due_in(self, delay_s: float) -> float:
        if not isfinite(delay_s):
            raise ValueError(f"a timer's delay must be finite, not {delay_s}")
        return self._seconds() + max(0.0, delay_s)

    def _schedule(self, timer: Timer, due: float) -> None:
        self._last_order = order = self._last_order + 1
        if timer._entry and due >= timer._due:
            timer._due, timer._order = due, order  # its entry comes up too early, and is put right then
            return
        if not timer._entry:
            self._pending += 1
        timer._due, timer._order, timer._entry = due, order, order
        heappush(self._heap, (due, order, timer))
        self._compact()
        if self._running is None:
            self._wake_at(due)

    def _compact(self) -> None:
        """Drop the leftovers once they are more than half of the heap: O(1) for each stop, in the mean."""
        heap = self._heap
        if not self._pending:
            heap.clear()
            self._rest()
        elif len(heap) > _COMPACT_ABOVE and len(heap) > 2 * self._pending:
            live = [timer for _, order, timer in heap if timer._entry == order]
            for timer in live:
                timer._entry = timer._order
            heap[:] = [(timer._due, timer._order, timer) for timer in live]
            heapify(heap)

    def _rest(self) -> None:
        """Nothing pending: no delayed call either."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _wake_at(self, due: float) -> None:
        """See that `_run` comes at *due* or before; too early does no harm, it looks again."""
        if self._call is None:
            self._wakes_at = due
            self._call = self._clock.callLater(max(0.0, due - self._seconds()), self._run)
        elif due < self._wakes_at:
            self._wakes_at = due
            self._call.reset(max(0.0, due - self._seconds()))

    def _run(self) -> None:
        """Fire what is due by now, as much as there is time for.

        What is set meanwhile waits for the clock's next turn, so that a delay of 0 neither recurses nor
        starves others.
        """
        self._call = None
        last_order, now = self._last_order, self._seconds()
        try:
            while (timer := self._next()) is not None and timer._due <= now and timer._order <= last_order:
                heappop(self._heap)
                self._fire(timer)
                if self._seconds() - now > BUDGET_S:
                    break
        finally:
            self._running = None
            if self._next() is not None:
                self._wake_at(self._heap[0][0])

    def _next(self) -> Timer | None:
        """The timer due first: drops leftovers from the heap's top, moves what was put off to its place."""
        heap = self._heap
        while heap:
            _, order, timer = heap[0]
            if timer._entry != order:
                heappop(heap)
            elif timer._order != order:
                heappop(heap)
                timer._entry = timer._order
                heappush(heap, (timer._due, timer._order, timer))
            else:
                return timer
        return None

    def _fire(self, timer: Timer) -> None:
        callback = timer._callback
        assert callback is not None  # only living timers have an entry
        self._running = timer
        self._pending -= 1
        timer._entry = _NO_ENTRY
        now = self._seconds()
        try:
            again = callback(now, timer, timer._param)
        except Exception:  # noqa: BLE001 - the net around a periodic job
            self._log.failure(
                "A timer's callback failed; the timer has ended: {callback}", callback=repr(callback)
            )
            self.stop(timer)
            return
        if not timer.is_alive:
            return
        if isinstance(again, int | float) and not isinstance(again, bool) and isfinite(again):
            self._schedule(timer, now + max(0.0, again))
        elif not timer._entry:
            timer._forget()


def _fire(now: float, timer: Timer, done: Deferred[None]) -> None:
    done.callback(None)
