"""How long what has failed is left alone: twice as long each time, with jitter, so that not all come back at once."""

from collections.abc import Callable
from typing import Final

MAX_DOUBLINGS: Final = 30


class Backoff:
    """The waits of one thing that fails."""

    __slots__ = ("_failures", "_random")

    def __init__(self, random: Callable[[], float]):
        """*random* gives numbers from 0 to 1."""
        self._random = random
        self._failures = 0

    def next_s(self, least_s: float, most_s: float) -> float:
        """It has failed once more: wait so long, between half of what is due and all of it."""
        due = min(most_s, least_s * 2 ** min(self._failures, MAX_DOUBLINGS))
        self._failures += 1
        return float(due * (0.5 + self._random() / 2))

    def reset(self) -> None:
        """It works."""
        self._failures = 0
