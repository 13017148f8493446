"""Notifications on their way: behind the result of what has set them off, in the order of the commits of their node.

Rules that live here: what happens to a node while it is being told of is told together, in one go through those who are
told, so that each of them is written to once. Where not all could be told at once (some 500), that is so for a moment
longer: whoever publishes that often to so many gets them as quickly, for half of the work. Who would make more wait
than `BOUND` has to wait.
"""

from collections.abc import Hashable, Iterable, Iterator
from itertools import chain, zip_longest
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from xmppd.core.fanout import Fanout
from xmppd.core.lanes import BOUND, Lanes
from xmppd.core.timers import Timer, Timers
from xmppd.core.turns import SPACE_S, Steps
from xmppd.services.recipients import Recipients
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

NEXT_TURN_S: Final = 0.0


class _Notice(NamedTuple):
    stanza: Stanza
    takers: Iterable[str]


class _Node:
    """What waits to be told of a node, while something is."""

    __slots__ = ("notices", "senders")

    def __init__(self) -> None:
        self.notices: list[_Notice] = []
        self.senders: list[Deferred[None]] = []


class Notices:
    """What is told of nodes."""

    def __init__(self, recipients: Recipients, lanes: Lanes, timers: Timers):
        self._recipients = recipients
        self._lanes = lanes
        self._timers = timers
        self._nodes: dict[Hashable, _Node] = {}

    def send(self, key: Hashable, stanza: Stanza, takers: Iterable[str]) -> None:
        """Send *stanza* to *takers*, found out as it goes; in the next turn or soon, in order for each *key*."""
        node = self._nodes.get(key)
        if node is None:
            self._nodes[key] = node = _Node()
            self._timers.add(NEXT_TURN_S, self._go, key)
        node.notices.append(_Notice(stanza, takers))

    def jam(self, key: Hashable) -> Deferred[None] | None:
        """Wait while so much is to be told of *key* that nothing more should happen to it; None unless so."""
        node = self._nodes.get(key)
        if node is None or len(node.notices) < BOUND:
            return None
        waiting: Deferred[None] = Deferred()
        node.senders.append(waiting)
        return waiting

    def _go(self, now: float, timer: Timer, key: Hashable) -> None:
        node = self._nodes[key]
        notices, node.notices = node.notices, []
        if not notices:
            del self._nodes[key]
            return
        senders, node.senders = node.senders, []
        self._lanes.run(key, self._steps(notices))
        waiting = self._lanes.done(key)
        if waiting is not None:
            waiting.addCallback(self._told, key)
        elif node.notices:
            self._timers.add(NEXT_TURN_S, self._go, key)
        else:
            del self._nodes[key]
        for sender in senders:
            sender.callback(None)

    def _told(self, result: None, key: Hashable) -> None:
        self._timers.add(SPACE_S, self._go, key)

    def _steps(self, notices: list[_Notice]) -> Steps:
        if len(notices) == 1:
            return self._recipients.steps(*notices[0])
        return self._together(notices)

    def _together(self, notices: list[_Notice]) -> Iterator[int | None]:
        """Tell of all at a time, as long as the same are told; each in the order of the *notices*."""
        recipients, sender = self._recipients, JID.parse(notices[0].stanza.from_ or "")
        fanouts = [Fanout(notice.stanza) for notice in notices]
        takers = [iter(notice.takers) for notice in notices]
        for those in zip_longest(*takers):
            first = those[0]
            if those.count(first) < len(those):
                for notice, one, others in zip(notices, those, takers, strict=True):
                    rest = others if one is None else chain((one,), others)
                    yield from recipients.steps(notice.stanza, rest)
                return
            yield from recipients.steps_to(first, sender, fanouts)
