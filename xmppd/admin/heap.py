"""Memory of sessions that have ended is given back to the system.

glibc keeps what is freed in the middle of its heap, so that a great wave of sessions would leave its size behind. After
many have ended the heap is trimmed, by a thread: that takes some 15 ms for 300 MB.
"""

import ctypes
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import spawn

LOOK_S = 10.0
MANY = 500
"""After so many sessions fewer it is worth it."""


def trim() -> None:
    """Give unused pages of the heap back; nothing happens where there is no glibc."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


class Heap:
    """Looks every `LOOK_S` how many sessions there are, and has the heap trimmed when many have ended."""

    def __init__(
        self,
        timers: Timers,
        sessions: Callable[[], int],
        in_thread: Callable[..., Deferred[Any]],
        trim: Callable[[], None] = trim,
    ):
        """*sessions* gives their number now."""
        self._sessions = sessions
        self._in_thread = in_thread
        self._trim = trim
        self._most = 0
        timers.add(LOOK_S, self._look)

    def _look(self, now: float, timer: Timer, param: object) -> float:
        count = self._sessions()
        self._most = max(self._most, count)
        if self._most - count >= MANY:
            self._most = count
            spawn("trimming the heap", self._in_thread(self._trim))
        return LOOK_S
