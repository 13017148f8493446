"""How late the reactor is: what every client waits for, beside its own work."""

from typing import Final

from twisted.internet.interfaces import IReactorTime

from xmppd.storage.histogram import Histogram

PERIOD_S: Final = 0.5
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class ReactorLag:
    """Wants to be called after `PERIOD_S`, again and again, and looks how late that happens."""

    def __init__(self, clock: IReactorTime):
        """*clock* is the reactor, whose own seconds count."""
        self.seconds = Histogram(SECONDS)
        self._clock = clock
        self._worst = 0.0
        self._due = 0.0

    def start(self) -> None:
        """Begin; it goes on until the reactor ends."""
        self._due = self._clock.seconds() + PERIOD_S
        self._clock.callLater(PERIOD_S, self._look)

    def worst(self) -> float:
        """Give the longest lag since this was asked last, in seconds."""
        worst, self._worst = self._worst, 0.0
        return worst

    def _look(self) -> None:
        late = max(0.0, self._clock.seconds() - self._due)
        self.seconds.count(late)
        self._worst = max(self._worst, late)
        self.start()
