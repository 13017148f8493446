"""Connections that wait for another request: one timer for all of them, since they all may wait equally long."""

from collections.abc import Callable
from typing import Protocol

from xmppd.core.timers import Timer, Timers


class Idle(Protocol):
    """What may wait."""

    def waited_too_long(self) -> None:
        """Nothing has come."""


class IdleConnections:
    """Those that wait, in the order in which they began to."""

    def __init__(self, timers: Timers, limit_s: Callable[[], float]) -> None:
        self._timers = timers
        self._limit_s = limit_s
        self._since: dict[Idle, float] = {}
        self._is_watching = False

    def __len__(self) -> int:
        return len(self._since)

    def add(self, connection: Idle) -> None:
        """It waits from now on."""
        self._since[connection] = self._timers.seconds()
        if not self._is_watching:
            self._is_watching = True
            self._timers.add(self._limit_s(), self._rings)

    def remove(self, connection: Idle) -> None:
        """It waits no more."""
        self._since.pop(connection, None)

    def _rings(self, now: float, timer: Timer, param: None) -> float | None:
        limit_s, now = self._limit_s(), self._timers.seconds()
        while self._since:
            connection, since = next(iter(self._since.items()))
            if since + limit_s > now:
                return since + limit_s - now
            del self._since[connection]
            connection.waited_too_long()
        self._is_watching = False
        return None
