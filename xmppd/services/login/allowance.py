"""How often an address may do something within a time; of IPv6 a whole /64 network counts as one."""

from collections.abc import Callable
from dataclasses import dataclass

from xmppd.core.networks import network_of

MAX_ADDRESSES = 10_000
"""Addresses remembered at most; the oldest is forgotten first."""


@dataclass(slots=True)
class _Taken:
    since: float
    count: int


class Allowance:
    """Counts by address within a window."""

    def __init__(self, now: Callable[[], float], window_s: float, max_addresses: int = MAX_ADDRESSES):
        """*now* is any clock in seconds."""
        self._now = now
        self._window_s = window_s
        self._max_addresses = max_addresses
        self._taken: dict[str, _Taken] = {}

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, address: str, allowed: int) -> bool:
        """Whether *address* may do it once more, up to *allowed* times in a window; counts it then."""
        key, now = network_of(address), self._now()
        taken = self._taken.get(key)
        if taken is None or now - taken.since >= self._window_s:
            self._taken.pop(key, None)
            taken = self._taken[key] = _Taken(now, 0)
            if len(self._taken) > self._max_addresses:
                del self._taken[next(iter(self._taken))]
        if taken.count >= allowed:
            return False
        taken.count += 1
        return True
