"""How much is said in a room: XEP-0502 0.1.0, by the counters that it proposes (6)."""

from typing import Final

HOUR_S: Final = 3_600.0
HOURS: Final = 24


class Activity:
    """Messages of each of the last hours; of the current one nothing is told."""

    __slots__ = ("_began_at", "_hours", "_now")

    def __init__(self, now: float):
        self._began_at = now
        self._hours: list[int] = []
        """The hours that are over, the newest first."""
        self._now = 0

    def count(self, now: float) -> None:
        """A message was sent."""
        self._move(now)
        self._now += 1

    def per_hour(self, now: float) -> float | None:
        """Give messages an hour; None where no hour is over yet."""
        self._move(now)
        return sum(self._hours) / len(self._hours) if self._hours else None

    def _move(self, now: float) -> None:
        passed = int((now - self._began_at) // HOUR_S)
        if passed > 0:
            self._hours = [*([0] * min(passed - 1, HOURS)), self._now, *self._hours][:HOURS]
            self._now = 0
            self._began_at += passed * HOUR_S
