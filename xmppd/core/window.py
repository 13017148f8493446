"""How much of what was stored a session is given at once, so that neither its connection nor its queue runs over.

Rules that live here: a connection that has much to send is given time, and so is a client that has much to acknowledge
(XEP-0198): half of its queue is for what comes live. Who takes nothing for `PATIENCE_S` is waited for no longer: what
bounds connections and queues deals with it then.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from xmppd.core.session import Session
from xmppd.core.timers import Timers

UNSENT_BYTES: Final = 1024 * 1024
"""A connection with more than this to send is given time."""
STANZAS, SIZE_BYTES = 100, 1024 * 1024
"""What is given in one turn of the reactor."""
PACE_S: Final = 0.05
PATIENCE_S: Final = 60.0


class Window(NamedTuple):
    """What a session may be given now."""

    stanzas: int
    size_bytes: int

    @property
    def is_there(self) -> bool:
        """Whether it may be given anything."""
        return self.stanzas > 0 and self.size_bytes > 0

    def fitting(self, sizes: Iterable[int]) -> int:
        """Of stanzas of these *sizes* give how many fit, at least one."""
        count = size_bytes = 0
        for size in sizes:
            size_bytes += size
            if count and (count >= self.stanzas or size_bytes > self.size_bytes):
                break
            count += 1
        return count


FULL: Final = Window(STANZAS, SIZE_BYTES)


class Pace:
    """Waits until there is a window."""

    def __init__(self, timers: Timers):
        self._timers = timers

    async def window(self, session: Session, may_wait: Callable[[], bool]) -> Window:
        """Give what *session* may be given now, at once if that is anything; else wait for it while *may_wait*.

        Without a connection the wait has no end of its own.
        """
        waited_s = 0.0
        while not (window := window_of(session)).is_there and may_wait():
            if waited_s >= PATIENCE_S:
                return FULL
            await self.pause(PACE_S)
            waited_s = 0.0 if session.conn is None else waited_s + PACE_S
        return window

    async def drained(self, session: Session) -> None:
        """Wait while the connection of *session* has much to send."""
        waited_s = 0.0
        while session.unsent_bytes > UNSENT_BYTES and waited_s < PATIENCE_S:
            await self.pause(PACE_S)
            waited_s += PACE_S

    def pause(self, seconds: float = 0.0) -> Deferred[None]:
        """Let others have their turn."""
        return self._timers.wait(seconds)


def window_of(session: Session) -> Window:
    """Give what *session* may be given now."""
    if session.unsent_bytes > UNSENT_BYTES:
        return Window(0, 0)
    if session.ledger is None:
        return FULL
    stanzas, size_bytes = session.ledger.window()
    return Window(min(STANZAS, stanzas), min(SIZE_BYTES, size_bytes))
