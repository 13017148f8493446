"""Notifications on their way: behind the result of what has set them off, in the order of the commits of their node.

Rules that live here: what happens to a node while it is being told of is told together, in one go through those who are
told, so that each of them is written to once. Where `MANY` are told, that is so for a moment longer: who publishes that
often to so many is as quick, for half of the work. Who would make more wait than `BOUND` has to wait.
"""

from collections.abc import Hashable, Iterable, Sequence
from itertools import chain
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from xmppd.core.fanout import Fanout
from xmppd.core.lanes import BOUND, Lanes
from xmppd.core.registry import SessionRegistry
from xmppd.core.timers import Timer, Timers
from xmppd.core.turns import DELIVERED, SMALL, SPACE_S, Steps
from xmppd.services.presence.blocking import Blocking
from xmppd.services.recipients import Recipients
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

NEXT_TURN_S: Final = 0.0
MANY: Final = SMALL // DELIVERED
"""So many are not told at once either while there is other work."""


class _Notice(NamedTuple):
    stanza: Stanza
    takers: Iterable[str]


class _Node:
    """What waits to be told of a node, while something is."""

    __slots__ = ("notices", "senders", "told")

    def __init__(self) -> None:
        self.notices: list[_Notice] = []
        self.told = 0
        """How many were gone through the last time."""
        self.senders: list[Deferred[None]] = []


class Notices:
    """What is told of nodes."""

    def __init__(
        self,
        recipients: Recipients,
        registry: SessionRegistry,
        blocking: Blocking,
        lanes: Lanes,
        timers: Timers,
    ):
        self._recipients = recipients
        self._sessions = registry.by_full
        self._blocking = blocking
        self._lanes = lanes
        self._timers = timers
        self._nodes: dict[Hashable, _Node] = {}

    def send(self, key: Hashable, stanza: Stanza, takers: Iterable[str]) -> None:
        """Send *stanza* to *takers*, found out as it goes; in the next turn or soon, in order for each *key*.

        What comes close together for takers that are equal is sent in one go.
        """
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
        self._lanes.run(key, self._steps(node, notices))
        waiting = self._lanes.done(key)
        if waiting is not None:
            waiting.addCallback(self._told, key, node)
        else:
            self._told(None, key, node)
        for sender in senders:
            sender.callback(None)

    def _told(self, result: None, key: Hashable, node: _Node) -> None:
        if node.told >= MANY:
            self._timers.add(SPACE_S, self._go, key)
        elif node.notices:
            self._timers.add(NEXT_TURN_S, self._go, key)
        else:
            del self._nodes[key]

    def _steps(self, node: _Node, notices: list[_Notice]) -> Steps:
        takers = notices[0].takers
        node.told = 0
        if all(notice.takers == takers for notice in notices):
            return self._together(node, [notice.stanza for notice in notices], takers)
        return chain.from_iterable(self._recipients.steps(*notice) for notice in notices)

    def _together(self, node: _Node, stanzas: Sequence[Stanza], takers: Iterable[str]) -> Steps:
        """Send all of *stanzas* to each taker in turn."""
        sessions, blocking, sender = self._sessions, self._blocking, JID.parse(stanzas[0].from_ or "")
        fanouts = [Fanout(stanza) for stanza in stanzas]
        cost = DELIVERED * len(fanouts)
        for node.told, to in enumerate(takers, 1):
            session = sessions.get(to)
            if session is None or blocking.is_used:
                yield from self._recipients.steps_to(to, sender, fanouts)
                continue
            for fanout in fanouts:
                fanout.send(session, to)
            yield cost
