"""How much is said in a room, and by whom: so many a minute (XEP-0045 13.6), and how long ago (XEP-0500).

Counted by bare JID, so that neither another session nor to leave and come back begins anew. Of those beyond a bound who
have been counted longest ago nothing is known any more.
"""

from typing import Final

from xmppd.core.bounded import Bounded

MINUTE_S: Final = 60.0
REMEMBERED: Final = 10_000
EVERYBODY: Final = ""


class _Count:
    __slots__ = ("began_at", "number")

    def __init__(self, began_at: float):
        self.began_at = began_at
        self.number = 0


class Pace:
    """Counts what is said in one room, and how often who comes and changes."""

    __slots__ = ("_counts", "_spoke")

    def __init__(self, limit: int = REMEMBERED):
        """*limit* is how many are remembered."""
        self._counts: Bounded[str, _Count] = Bounded(limit)
        self._spoke: Bounded[str, float] = Bounded(limit)

    def take(self, who: str, allowed: int, now: float) -> bool:
        """Count one more of *who* (`EVERYBODY`: of all together); say whether *allowed* in a minute lets it pass."""
        count = self._counts.get(who)
        if count is None or now - count.began_at >= MINUTE_S:
            count = _Count(now)
            self._counts.keep(who, count)
        if count.number >= allowed:
            return False
        count.number += 1
        return True

    def take_presence(self, who: str, allowed: int, now: float) -> bool:
        """The same of presence, which is counted apart."""
        return self.take(f"{who}/", allowed, now)

    def wait_s(self, who: str, between_s: float, now: float) -> float:
        """Give how long *who* has to wait, who may speak once in so many seconds; 0.0 lets it speak, and is noted."""
        left = self._spoke.get(who, -between_s) + between_s - now
        if left > 0:
            return left
        self._spoke.keep(who, now)
        return 0.0
