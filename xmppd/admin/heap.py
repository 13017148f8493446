"""Memory of sessions that have ended is given back to the system.

glibc keeps what is freed in the middle of its heap, so that a great wave of sessions would leave its size behind. After
many have ended the heap is trimmed, by a thread: that takes some 15 ms for 300 MB. Python gives its arenas back, of
1 MiB each, once nothing lives in them. So what is only kept to be quick goes first: it was made while the wave was
high, and little of it is enough to hold many arenas.
"""

import ctypes
import gc
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from xmppd.core.environment import InThread
from xmppd.core.parts import CoreParts
from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import spawn
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.jid import forget_prepared

LOOK_S = 10.0
MANY = 500
"""After so many sessions fewer it is worth it. While there are more than that the collector is not called: it would
look through all of theirs, and hold them up."""
STEP_S = 0.1
"""One part at a time lets go, and others have their turn: after 10,000 sessions all of it takes some 30 ms."""
ROUNDS = 2
"""How often all do so after a wave: what was busy the first time lets go the second time. Only then the heap is
trimmed."""

_MALLOC_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)


def trim() -> None:
    """Give unused pages of the heap back; nothing happens where there is no glibc."""
    if _MALLOC_TRIM is not None:
        _MALLOC_TRIM(0)


class Heap:
    """Looks every `LOOK_S` how many sessions there are, and has the heap trimmed when many have ended."""

    def __init__(
        self,
        timers: Timers,
        sessions: Callable[[], tuple[int, int]],
        in_thread: InThread,
        rests: Sequence[Callable[[], object]] = (),
        trim: Callable[[], None] = trim,
    ):
        """*sessions* gives how many there are now, and how many there were at most since it was asked last.

        Each of *rests* lets go of what some part keeps to be quick.
        """
        self._sessions = sessions
        self._in_thread = in_thread
        self._rests = rests
        self._trim = trim
        self._count = self._most = 0
        self._steps: deque[Callable[[], object]] = deque()
        self._begin(rounds=1)  # what starting has left over; and the thread is there before a wave is
        timers.add(STEP_S, self._look)

    def _look(self, now: float, timer: Timer, param: object) -> float:
        self._count, most = self._sessions()
        self._most = max(self._most, most)
        if self._most - self._count >= MANY:
            self._most = self._count
            self._begin(ROUNDS)
        if self._steps:
            self._steps.popleft()()
        return STEP_S if self._steps else LOOK_S

    def _begin(self, rounds: int) -> None:
        self._steps = deque((*self._rests, self._collect) * rounds)
        self._steps.append(self._trim_heap)

    def _collect(self) -> None:
        if self._count < MANY:
            gc.collect()

    def _trim_heap(self) -> None:
        spawn("trimming the heap", self._in_thread(self._trim))


class Releasing(Protocol):
    """What holds memory that it can do without."""

    def release_memory(self) -> None:
        """Let go of it."""


def watch_heap(reactor: object, core: CoreParts, others: Sequence[Releasing]) -> Heap:
    """Tell those who hold memory to let go of it when many sessions have ended; *others* besides those of the core."""
    caches: list[Callable[[], object]] = [
        forget_prepared,
        core.registry.release_memory,
        core.services[Rosters].release_memory,
    ]
    caches += [each.release_memory for each in others]
    own: Callable[[], object] | None = getattr(reactor, "release_memory", None)  # Twisted's own have none
    caches += [] if own is None else [own]
    caches.append(core.storage.release_memory)
    return Heap(core.timers, core.registry.now_and_at_most, core.environment.in_thread, caches)
