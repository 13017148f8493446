"""White-space keepalives: RFC 6120 4.6.1. A space to who has been silent for long, so that a dead connection shows."""

from collections.abc import Callable, MutableMapping
from itertools import islice
from typing import Generic, Protocol, TypeVar

from xmppd.core.timers import Timers

SHARES = 60
"""Into how many turns a round over all connections is divided, so that no turn is long."""


class Kept(Protocol):
    """A connection that can be kept alive."""

    is_heard: bool
    """Whether anything came since the last round; set by the connection, cleared here."""
    round: int
    """The last round that it had a turn in; 0 at first, set here."""

    def keep_alive(self) -> None:
        """Send a space."""


K = TypeVar("K", bound=Kept)


class Keepalive(Generic[K]):
    """Goes round all connections once in the interval; one timer for all of them.

    Who has had its turn goes to the end of the row, so that nothing but the row itself knows a connection.
    """

    def __init__(self, timers: Timers, connections: MutableMapping[K, None], interval_s: Callable[[], float]):
        """*connections* are the live ones, as keys, in the order in which they came; that changes here."""
        self._timers = timers
        self._connections = connections
        self._interval_s = interval_s
        self._round = 0
        self._share = 1
        self._turn = 0
        self._timer = timers.add(interval_s() / SHARES, self._tick)

    def stop(self) -> None:
        """Go round no more."""
        self._timers.stop(self._timer)

    def _tick(self, now: float, timer: object, param: None) -> float:
        row = self._connections
        if self._turn == 0:
            self._round += 1
            self._share = len(row) // SHARES + 1
        self._turn = (self._turn + 1) % SHARES
        due: list[K] = list(islice(row, self._share))
        for connection in due:
            if connection.round == self._round:  # and all behind it had their turns, too
                break
            if connection not in row:  # another's turn was its end
                continue
            del row[connection]
            row[connection] = None
            connection.round = self._round
            if connection.is_heard:
                connection.is_heard = False
            else:
                connection.keep_alive()
        return self._interval_s() / SHARES
