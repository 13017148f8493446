"""Long work in order: what is done for one key (a room, a node) one piece after the other, and bounded.

Rules that live here: the pieces of a lane are done in the order in which they came, each of them to its end before the
next begins; lanes take turns with each other and with all else (`xmppd.core.turns`). A piece that finds its lane empty
begins at once. A lane that is full gives who brings more something to wait for; what was brought is done all the same,
so that a lane holds no more than `bound` pieces and one more of each who has not waited yet. Whom something happened to
in the middle of a piece hears nothing of it: it is logged, and the lane goes on.
"""

from collections import deque
from collections.abc import Hashable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core.turns import AT_ONCE, Steps, Turns

BOUND: Final = 16
"""So many pieces of work wait in a lane before who brings more has to wait."""


class _Lane:
    __slots__ = ("emptied", "pieces", "senders")

    def __init__(self) -> None:
        self.pieces: deque[Steps] = deque()
        """What is under way, and behind it what waits."""
        self.senders: list[Deferred[None]] = []
        self.emptied: list[Deferred[None]] = []


class Lanes:
    """All lanes of this server; an empty one takes no memory."""

    _log = Logger()

    def __init__(self, turns: Turns, bound: int = BOUND):
        self._turns = turns
        self._lanes: dict[Hashable, _Lane] = {}
        self._bound = bound

    def __len__(self) -> int:
        """How many lanes there is work in."""
        return len(self._lanes)

    def run(self, key: Hashable, steps: Steps) -> Deferred[None] | None:
        """Take the *steps* when all is done that came for *key* before.

        None when whoever brings them may go on: they are done, or the lane has room; else a Deferred that fires when
        it has, and never fails.
        """
        lane = self._lanes.get(key)
        if lane is None:
            self._lanes[key] = lane = _Lane()
            lane.pieces.append(steps)
            self._begin(key, lane)
            return None
        lane.pieces.append(steps)
        if len(lane.pieces) <= self._bound:
            return None
        waiting: Deferred[None] = Deferred()
        lane.senders.append(waiting)
        return waiting

    def done(self, key: Hashable) -> Deferred[None] | None:
        """Wait until nothing is to be done for *key*; None where that is so."""
        lane = self._lanes.get(key)
        if lane is None:
            return None
        waiting: Deferred[None] = Deferred()
        lane.emptied.append(waiting)
        return waiting

    def _begin(self, key: Hashable, lane: _Lane) -> None:
        """Take the pieces of a lane, until one needs another turn or none is left."""
        while lane.pieces:
            try:
                waiting = self._turns.run(lane.pieces[0], AT_ONCE)
            except Exception:  # noqa: BLE001 - the net of the periodic job: nobody waits for this piece
                self._failed(Failure())
                waiting = None
            if waiting is not None:
                waiting.addErrback(self._failed).addCallback(self._go_on, key, lane)
                return
            lane.pieces.popleft()
            self._call_senders(lane)
        del self._lanes[key]
        for done in lane.emptied:
            done.callback(None)

    def _go_on(self, result: None, key: Hashable, lane: _Lane) -> None:
        lane.pieces.popleft()
        self._call_senders(lane)
        self._begin(key, lane)

    def _call_senders(self, lane: _Lane) -> None:
        """Let those go on who wait, once half of the lane is free."""
        if lane.senders and len(lane.pieces) <= self._bound // 2:
            senders, lane.senders = lane.senders, []
            for waiting in senders:
                waiting.callback(None)

    def _failed(self, failure: Failure) -> None:
        self._log.failure("Work for many has failed on the way", failure)
