"""Notifications on their way: behind the result of what has set them off, in the order of the commits of their node."""

from collections.abc import Hashable, Iterable
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from xmppd.core.lanes import Lanes
from xmppd.core.timers import Timer, Timers
from xmppd.services.recipients import Gone, Recipients
from xmppd.stanza.stanza import Stanza


class _Notice(NamedTuple):
    key: Hashable
    stanza: Stanza
    takers: Iterable[str]
    gone: Gone | None


class Notices:
    """What is told of nodes."""

    def __init__(self, recipients: Recipients, lanes: Lanes, timers: Timers):
        self._recipients = recipients
        self._lanes = lanes
        self._timers = timers
        self._waiting: list[_Notice] = []
        self._jams: dict[Hashable, Deferred[None]] = {}

    def send(self, key: Hashable, stanza: Stanza, takers: Iterable[str], gone: Gone | None = None) -> None:
        """Send *stanza* to *takers*, who are found out as it goes, in the next turn; in order for each *key*."""
        if not self._waiting:
            self._timers.add(AT_ONCE_S, self._go)
        self._waiting.append(_Notice(key, stanza, takers, gone))

    def jam(self, key: Hashable) -> Deferred[None] | None:
        """Wait while so much is to be told of *key* that nothing more should happen to it; None unless so."""
        jam = self._jams.get(key)
        if jam is None:
            return None
        waiting: Deferred[None] = Deferred()
        jam.addCallback(_pass_on, waiting)
        return waiting

    def _go(self, now: float, timer: Timer, param: object) -> None:
        waiting, self._waiting = self._waiting, []
        for key, stanza, takers, gone in waiting:
            jam = self._lanes.run(key, self._recipients.steps(stanza, takers, gone))
            if jam is not None and key not in self._jams:
                self._jams[key] = jam
                jam.addCallback(self._over, key)

    def _over(self, result: None, key: Hashable) -> None:
        self._jams.pop(key, None)


AT_ONCE_S: Final = 0.0


def _pass_on(result: None, waiting: Deferred[None]) -> None:
    waiting.callback(None)
