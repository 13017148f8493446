"""What a client sends, counted; acknowledged (XEP-0198 4) when all that it and those before it changed is committed.

Where the count is to outlive the server, it is on disk before it is told.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from xmppd.core.holding import Keeper
from xmppd.core.session import Session
from xmppd.services.stream_management.records import Key, recorded
from xmppd.services.stream_management.rounds import Rounds
from xmppd.storage.interface import Change
from xmppd.stream.acks import MODULUS, Incoming

NS: Final = "urn:xmpp:sm:3"


class Receipts:
    """The half of a `StreamLedger` that is about what the client sends: an `xmppd.core.inlet.Acknowledger`."""

    __slots__ = ("_keeper", "_latest", "_now", "_owed", "_rounds", "incoming", "key", "session")

    def __init__(self, session: Session, key: Key, rounds: Rounds, now: Callable[[], float]):
        """*now* is wall time in seconds since 1970."""
        self.session = session
        self.key = key
        self.incoming = Incoming()
        self._rounds = rounds
        self._now = now
        self._owed: int | None = None
        """The oldest request that is not answered waits until so much may be acknowledged."""
        self._latest = 0
        """The same of the latest one."""
        self._keeper: Keeper | None = None
        """Who may hold back commits of what came last."""

    @property
    def is_durable(self) -> bool:
        """Whether its queue and its counts outlive the server."""
        return self.incoming.is_recorded

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self.session.is_ended

    def routing(self, changes: list[Change]) -> None:
        """The count goes into the transaction of a stanza that changes anything; see `Ledger`."""
        if changes and self._keeper is not None:
            self._release()
        if not self.is_durable:
            return
        if changes:
            changes.append(recorded(self.key, self.incoming.next, self._now()))
        else:
            self._rounds.handled(self)

    def holding(self, keeper: Keeper) -> int:
        """The commit of the stanza in hand is held back; see `Ledger`."""
        if self._keeper is not keeper:
            self._release()
            self._keeper = keeper
        return (self.incoming.handled + 1) % MODULUS  # `Incoming.next`, without a call

    def counted(self, number: int) -> Change | None:
        """Give what keeps that *number* stanzas are handled; see `Ledger`."""
        return recorded(self.key, number, self._now()) if self.is_durable else None

    def _release(self) -> None:
        """Whatever is committed next comes behind what is held back."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.release(self)

    def handled(self, is_waiting: bool) -> None:
        """Count a stanza that is dealt with; see `Ledger`."""
        self.incoming.count(is_waiting)

    def decided(self, is_kept: bool) -> None:
        """The oldest commit is decided: whatever came of it, its stanza was answered."""
        self.incoming.decided(is_kept)
        if self._owed is not None:
            self._settle(may_record=True)

    def _settle(self, *, may_record: bool) -> None:
        owed = self._owed
        if owed is None:
            return
        if self.incoming.covers(owed):
            self._rounds.settled(self)
            owed = self._latest
        if may_record and self.incoming.is_settled and not self.incoming.covers(owed):
            self._record_now()

    def requested(self) -> None:
        """Answer ``<r/>``: now, or when all that came before it is committed, and the count with it."""
        incoming = self.incoming
        if incoming.is_settled and not incoming.is_covered:
            self._record_now()
        if incoming.is_covered:
            self.answer()
        else:
            self._latest = incoming.handled
            if self._owed is None:
                self._owed = self._latest
            self._rounds.owing(self)
            if self._keeper is not None:
                self._keeper.press(self)

    def recorded(self) -> Deferred[None]:
        """See that all that was handled may be acknowledged; fires when that is so, or cannot be."""
        self._release()
        if self.incoming.is_settled and not self.incoming.is_covered:
            self._record_now()
        return self._rounds.decided()

    def _record_now(self) -> None:
        """Commit the count, of volatile stanzas too: what a client was told must be true after a new start."""
        self.incoming.recording()
        self._rounds.commit(recorded(self.key, self.incoming.handled, self._now())).addBoth(self._told)

    def _told(self, result: object) -> None:
        is_kept = not isinstance(result, Failure)
        self.incoming.decided(is_kept)
        self._settle(may_record=is_kept)

    def answer(self) -> None:
        """Acknowledge what is committed."""
        h = self.incoming.committed
        if self._owed is not None and self.incoming.covers(self._owed):
            self._owed = None if self.incoming.covers(self._latest) else self._latest
            if self._owed is not None:
                self._rounds.owing(self)
        self.session.send(f"<a xmlns='{NS}' h='{h}'/>".encode())

    def record(self) -> Change | None:
        """Give what keeps the count; see `Rounds`. It is committed behind all that was handled so far."""
        self._release()
        return self.counted(self.incoming.handled)
