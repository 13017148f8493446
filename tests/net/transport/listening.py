"""What listeners are tested with: a reactor that accepts nothing by itself, and the lines of the log."""

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent
from zope.interface import implementer


class FakeReactor(Clock):
    """Time and a set of readers; the test calls them."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()

    def addReader(self, reader: Any) -> None:
        """Note it."""
        self.readers.add(reader)

    def removeReader(self, reader: Any) -> None:
        """Forget it."""
        self.readers.discard(reader)


@implementer(ILogObserver)
class Lines(list[LogEvent]):
    """Keeps what is logged."""

    def __call__(self, event: LogEvent) -> None:
        """Keep *event*."""
        self.append(event)
