"""What an operator is told of commits: how many, how large the groups are, and how long the disk takes for one."""

from dataclasses import dataclass, field
from typing import Final

from xmppd.storage.histogram import Histogram

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CHANGES: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000)


@dataclass(slots=True)
class Writes:
    """Counted where groups are committed, by one thread; all of it only grows."""

    commits: int = 0
    """Transactions of callers that are durable."""
    failures: int = 0
    """Those that failed."""
    seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """How long a group took from its first statement until it was durable."""
    changes: Histogram = field(default_factory=lambda: Histogram(CHANGES))
    """How many changes a group had."""

    def group(self, seconds: float, changes: int, commits: int) -> None:
        """A group of so many commits is durable."""
        self.seconds.count(seconds)
        self.changes.count(changes)
        self.commits += commits
