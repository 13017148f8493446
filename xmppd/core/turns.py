"""Long work in short turns: what one event sets off for thousands is done bit by bit, and others have their turn.

Rules that live here: work is an iterator whose steps say what they cost, in microseconds or so. All work of the server
together gets `BUDGET` in a turn of the reactor: so no turn is long. Work begins at once: while nothing waits up to
`AT_ONCE` of it is done, some 500 copies, and as much as the budget has where nothing was done of late; while other work
waits, or where it is known to be more, up to `SMALL`. What is left goes on in rotation, every `SPACE_S`. What several
pieces of large work write to the same connection leaves together then, in one write instead of several.
"""

from collections import deque
from collections.abc import Generator, Iterator
from enum import Enum
from typing import Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from xmppd.core.timers import Timers

EXAMINED: Final = 1
"""The cost of looking at somebody who gets nothing."""
DELIVERED: Final = 2
"""The cost of bytes that are written to a session."""
SHOWN: Final = 5
"""The cost of a stanza that is made and written anew for one session."""
ROUTED: Final = 20
"""The cost of a stanza that goes through the router; a step that says nothing costs as much."""
JAMMED: Final = 0
"""A step that says this is where the work has to wait for somebody who does not read."""

BUDGET: Final = 3_000
AT_ONCE: Final = 1_000
"""What a piece of work may cost at once that nothing of its kind waits before: some 500 copies."""
SMALL: Final = 300
"""What a piece of work may cost at once while others wait, and before the next one's turn in rotation."""
SPACE_S: Final = 0.01
JAM_S: Final = 0.1

T = TypeVar("T")

Steps = Iterator[int | None]
StepsTo = Generator[int | None, None, T]
"""Steps that return something in the end."""


def at_once(copies: int) -> int | None:
    """Give what work that writes so many copies may cost at once (`Turns.run`), by default or `SMALL`.

    Who gets the last copies would hear of them no sooner if the first left at once, and writes would not be shared.
    """
    return SMALL if copies * DELIVERED >= AT_ONCE else None


def whole(steps: StepsTo[T]) -> T:
    """Take all steps here and now, as where there is nobody else to be served; give what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


async def in_turns(turns: "Turns", steps: StepsTo[T]) -> T:
    """Take the steps with *turns*; give what they return."""
    results: list[T] = []

    def steps_and_result() -> Steps:
        results.append((yield from steps))

    waiting = turns.run(steps_and_result())
    if waiting is not None:
        await waiting
    return results[0]


class Progress(Enum):
    """How far work has come."""

    DONE = "done"
    MORE = "more to do"
    JAM = "somebody must read first"


class _Work:
    __slots__ = ("done", "steps")

    def __init__(self, steps: Steps):
        self.steps = steps
        self.done: Deferred[None] = Deferred()


class Turns:
    """Does work now as far as the budget goes, and the rest in later turns."""

    __slots__ = (
        "_is_going_on",
        "_is_refill_due",
        "_is_ticking",
        "_is_used",
        "_left",
        "_timers",
        "_waiting",
        "budget",
    )

    def __init__(self, timers: Timers, budget: int = BUDGET):
        self._timers = timers
        self._waiting: deque[_Work] = deque()
        self._is_ticking = self._is_going_on = self._is_used = self._is_refill_due = False
        self._left = 0
        self.budget = budget

    @property
    def waiting(self) -> int:
        """How many pieces of work wait for their next turn."""
        return len(self._waiting)

    def run(self, steps: Steps, at_once: int | None = None) -> Deferred[None] | None:
        """Take the steps; None when all are taken, else a Deferred. What a step raises reaches who called or waits.

        *at_once* is what they may cost in this turn; without it `AT_ONCE`, or `SMALL` while other work waits.
        """
        is_first = not self._is_ticking
        if is_first:
            self._tick_on()
        if is_first or self._is_going_on:
            allowed = self._left
        else:
            allowed = min(self._left, at_once or (SMALL if self._waiting else AT_ONCE))
        progress = self._take(steps, allowed) if allowed > 0 else Progress.MORE
        if self._left < self.budget - AT_ONCE and not self._is_refill_due:  # for less it is not worth a timer
            self._is_refill_due = True
            self._timers.add(0.0, self._refill)
        if progress is Progress.DONE:
            return None
        work = _Work(steps)
        self._put_off(work, progress)
        return work.done

    def _take(self, steps: Steps, allowed: int) -> Progress:
        end = self._left - allowed
        self._is_used = True
        for cost in steps:
            if cost == JAMMED:
                return Progress.JAM
            self._left -= ROUTED if cost is None else cost
            if self._left <= end:
                return Progress.MORE
        return Progress.DONE

    def _put_off(self, work: _Work, progress: Progress) -> None:
        if progress is Progress.JAM:
            self._timers.add(JAM_S, self._try_again, work)
        else:
            self._waiting.append(work)

    def _try_again(self, now: float, timer: object, work: _Work) -> None:
        self._waiting.append(work)
        if not self._is_ticking:
            self._tick_on()

    def _refill(self, now: float, timer: object, param: object) -> None:
        """Another turn of the reactor has begun."""
        self._is_refill_due = False
        self._left = self.budget

    def _tick_on(self) -> None:
        self._is_ticking = True
        self._left = self.budget
        self._timers.add(SPACE_S, self._tick)

    def _tick(self, now: float, timer: object, param: object) -> float | None:
        """A new budget, and on with who waits; until a tick finds that there was nothing to do."""
        if not self._is_used and not self._waiting:
            self._is_ticking = False
            return None
        self._is_used = False
        self._left = self.budget
        self._is_going_on = True
        while self._waiting and self._left > 0:
            self._go_on(self._waiting.popleft())
        self._is_going_on = False
        return SPACE_S

    def _go_on(self, work: _Work) -> None:
        try:
            progress = self._take(work.steps, min(self._left, SMALL))
        except Exception:  # noqa: BLE001 - the net of the periodic job: who waits hears of it
            work.done.errback(Failure())
            return
        if progress is Progress.DONE:
            work.done.callback(None)
        else:
            self._put_off(work, progress)
