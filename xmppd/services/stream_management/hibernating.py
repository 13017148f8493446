"""What sessions without a connection hold together (XEP-0198 5): bounded, as what each of them holds is.

Rules that live here: held is what waits to be acknowledged, and what is kept back from an inactive client (XEP-0352);
each session counts as if it had its own copy of what goes to many. Beyond the bound those sessions end that hold most,
of equals the one that has waited longest, until an eighth of the bound is free: in turns, so that others are served
meanwhile. What a session held that ends so goes where it would at any end: durable messages to other clients or the
offline store, errors to who must hear of one; the rest is gone.
"""

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from xmppd.core.session import Session
from xmppd.core.timers import Timers
from xmppd.core.turns import Steps, Turns
from xmppd.core.waiting import spawn

FREE: Final = 8
"""One part in so many is made free."""
ENDED: Final = 300
"""The cost of the end of a session (`xmppd.core.turns`)."""


class Hibernating:
    """The sessions without a connection, oldest first, and what each of them holds."""

    _log = Logger()

    def __init__(
        self,
        size_of: Callable[[Session], int],
        end: Callable[[Session], None],
        bound: Callable[[], int],
        timers: Timers,
        turns: Turns,
    ):
        """*size_of* gives what a session holds; *bound* what all may; both in bytes. *end* ends a session."""
        self._size_of = size_of
        self._end = end
        self._bound = bound
        self._timers = timers
        self._turns = turns
        self._held: dict[Session, int] = {}
        self._is_ending = False
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def add(self, session: Session) -> None:
        """A session has lost its connection."""
        self._held.setdefault(session, 0)
        self.grown(session)

    def remove(self, session: Session) -> None:
        """A session goes on, or has ended; harmless for any other."""
        self.size_bytes -= self._held.pop(session, 0)

    def grown(self, session: Session) -> None:
        """What a session holds has changed; nothing for one that has a connection."""
        before = self._held.get(session)
        if before is None:
            return
        self._held[session] = now = self._size_of(session)
        self.size_bytes += now - before
        if self.size_bytes > self._bound() and not self._is_ending:
            self._is_ending = True
            self._timers.add(0.0, self._begin)

    def _begin(self, now: float, timer: object, param: object) -> None:
        waiting = self._turns.run(self._make_room())
        if waiting is not None:
            spawn("ending sessions without a connection", waiting)

    def _make_room(self) -> Steps:
        self._log.warn(
            "Sessions without a connection hold {size} bytes, more than limits.hibernating_bytes; some end",
            size=self.size_bytes,
        )
        try:
            for session in sorted(self._held, key=self._held.__getitem__, reverse=True):
                if self.size_bytes <= self._bound() * (FREE - 1) // FREE:
                    break
                if session in self._held:
                    self._end(session)
                    yield ENDED
        finally:
            self._is_ending = False
