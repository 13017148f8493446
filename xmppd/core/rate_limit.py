"""How often an address does something within a time; of IPv6 a whole /64 network counts as one address."""

from collections.abc import Callable

from xmppd.core.bounded import Bounded
from xmppd.core.networks import network_of

MAX_ADDRESSES = 10_000
"""Addresses remembered at most; the one that began longest ago is forgotten first."""


class _Count:
    __slots__ = ("since", "times")

    def __init__(self, since: float):
        self.since = since
        self.times = 0


class RateLimit:
    """Counts by address within a window, which begins with what is counted first.

    `take` is for what is refused beyond a number, `count` and `times` for what has other consequences.
    """

    def __init__(
        self,
        now: Callable[[], float],
        window_s: Callable[[], float],
        max_addresses: int = MAX_ADDRESSES,
    ):
        """*now* is any clock in seconds, and *window_s()* the length of the window."""
        self._now = now
        self._window_s = window_s
        self._counts: Bounded[str, _Count] = Bounded(max_addresses)

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._counts)

    def take(self, address: str, allowed: int) -> bool:
        """Whether *address* may do it once more, up to *allowed* times in a window; counts it then."""
        if self.times(address) >= allowed:
            return False
        self.count(address)
        return True

    def count(self, address: str) -> int:
        """*address* has done it once more; gives how often within the window."""
        key = network_of(address)
        known = self._recent(key)
        if known is None:
            known = _Count(self._now())
            self._counts.keep(key, known)
        known.times += 1
        return known.times

    def times(self, address: str) -> int:
        """How often *address* has done it within the window."""
        known = self._recent(network_of(address))
        return 0 if known is None else known.times

    def _recent(self, key: str) -> _Count | None:
        known = self._counts.get(key)
        if known is not None and self._now() - known.since >= self._window_s():
            del self._counts[key]
            return None
        return known
