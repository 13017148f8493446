"""Memory that is used no more is given back to the system.

glibc keeps what is freed in the middle of its heap, so that a great wave of sessions would leave its size behind. After
many have ended the heap is trimmed, by a thread: that takes some 15 ms for 300 MB. Python gives its arenas back, of
1 MiB each, once nothing lives in them. So what is only kept to be quick goes first: it was made while the wave was
high, and little of it is enough to hold many arenas.

A few sessions can leave as much: each that does not read has up to ``limits.send_buffer_bytes`` waiting for it. So the
heap is also trimmed when that has grown which is resident and not handed out by malloc. Most of that is free pages of
the heap; for what is not, such as arenas of Python's, one trimming is in vain.
"""

import gc
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred

from xmppd.admin import glibc
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

MUCH_BYTES = 8 * 1024 * 1024
"""By so much what is not handed out may grow."""
PIECES_A_LOOK = 50_000
"""So many free pieces are counted in some 8 ms, in which who needs memory may wait. Where there are more, looks are
left out."""


class Heap:
    """Looks every `LOOK_S` how many sessions there are and how much memory is used.

    It has the heap trimmed when many sessions have ended, or much is resident that is not used.
    """

    def __init__(
        self,
        timers: Timers,
        sessions: Callable[[], tuple[int, int]],
        in_thread: InThread,
        rests: Sequence[Callable[[], object]] = (),
        trim: Callable[[], None] = glibc.trim,
        memory: Callable[[], glibc.Memory] = glibc.count,
    ):
        """*sessions* gives how many there are now, and how many there were at most since it was asked last.

        Each of *rests* lets go of what some part keeps to be quick.
        """
        self._sessions = sessions
        self._in_thread = in_thread
        self._rests = rests
        self._trim = trim
        self._memory = memory
        self._least_unused_bytes = sys.maxsize
        """Resident and not handed out since the last trimming; the least there was of that."""
        self._looks_left_out = 0
        self._counting: Deferred[None] | None = None
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
        elif self._looks_left_out:
            self._looks_left_out -= 1
        elif self._counting is None or self._counting.called:
            self._counting = spawn("counting what is used", self._give_back_much())
        return STEP_S if self._steps else LOOK_S

    def _begin(self, rounds: int) -> None:
        self._steps = deque((*self._rests, self._collect) * rounds)
        self._steps.append(self._trim_heap)

    def _collect(self) -> None:
        if self._count < MANY:
            gc.collect()

    def _trim_heap(self) -> None:
        spawn("trimming the heap", self._give_back())

    async def _give_back_much(self) -> None:
        unused_bytes = await self._unused_bytes()
        self._least_unused_bytes = min(self._least_unused_bytes, unused_bytes)
        if unused_bytes - self._least_unused_bytes >= MUCH_BYTES:
            await self._give_back()

    async def _give_back(self) -> None:
        await self._in_thread(self._trim)
        self._least_unused_bytes = await self._unused_bytes()

    async def _unused_bytes(self) -> int:
        memory: glibc.Memory = await self._in_thread(self._memory)
        self._looks_left_out = memory.free_pieces // PIECES_A_LOOK
        return memory.resident_bytes - memory.used_bytes


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
