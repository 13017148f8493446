"""White-space keepalives: RFC 6120 4.6.1. A space to who has been silent for long, so that a dead connection shows."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from xmppd.core.timers import Timers

SHARES = 60
"""Into how many turns a round over all connections is divided, so that no turn is long."""


class Kept(Protocol):
    """A connection that can be kept alive."""

    is_heard: bool
    """Whether anything came since the last round; set by the connection, cleared here."""

    def keep_alive(self) -> None:
        """Send a space."""


class Keepalive:
    """Goes round all connections once in the interval; one timer for all of them."""

    def __init__(self, timers: Timers, connections: Mapping[Any, None], interval_s: Callable[[], float]):
        """*connections* are the live ones, as keys."""
        self._timers = timers
        self._connections = connections
        self._interval_s = interval_s
        self._round: Iterator[Kept] = iter(())
        self._share = 1
        self._turn = 0
        self._timer = timers.add(interval_s() / SHARES, self._tick)

    def stop(self) -> None:
        """Go round no more."""
        self._timers.stop(self._timer)

    def _tick(self, now: float, timer: object, param: None) -> float:
        if self._turn == 0:
            self._begin()
        self._turn = (self._turn + 1) % SHARES
        for _ in range(self._share):
            connection = next(self._round, None)
            if connection is None:
                break
            if connection.is_heard:
                connection.is_heard = False
            elif connection in self._connections:
                connection.keep_alive()
        return self._interval_s() / SHARES

    def _begin(self) -> None:
        connections = list(self._connections)
        self._round = iter(connections)
        self._share = len(connections) // SHARES + 1
