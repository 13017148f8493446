"""How often a measured value fell between which bounds: plain numbers, so that to count one costs next to nothing."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence


class Histogram:
    """Counts values by upper bounds, which are included; what is above the last one counts too.

    One thread counts; whoever reads may see a value in ``counts`` that is not in ``total`` yet.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]):
        """*bounds* grow."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        """By bound, not added up; the last one is for what is above all."""
        self.total = 0.0
        """The sum of all values."""

    def count(self, value: float) -> None:
        """There was *value* once more."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> Iterator[tuple[float | None, int]]:
        """Give each bound with how many values were not above it; None for the last, which all are below."""
        so_far = 0
        for bound, count in zip((*self.bounds, None), self.counts, strict=True):
            so_far += count
            yield bound, so_far
