"""Sessions with stream management: enabling, losing and resuming a connection, and the end (XEP-0198 3, 5, 7).

Rules that live here: a session whose connection is lost without an end tag lives on for a while, available, and takes
stanzas; who authenticates as its account and knows its id goes on with it, the object itself, in the place of the
session that the new stream had so far; the old connection, if it is still there, ends with conflict. What was being
handled when the connection was lost is counted before the client is told how much was.
"""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred

from xmppd.core.directory import AccountDirectory
from xmppd.core.events import Unbound
from xmppd.core.filters import FilterStage
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session, SessionStream
from xmppd.core.timers import Timer, Timers
from xmppd.core.turns import Turns
from xmppd.core.waiting import deferred, spawn
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.stream_management.csi_queue import held_back
from xmppd.services.stream_management.earlier import CLAIM, EarlierSessions
from xmppd.services.stream_management.hibernating import Hibernating
from xmppd.services.stream_management.ledger import Settings, StreamLedger
from xmppd.services.stream_management.receipts import NS
from xmppd.services.stream_management.records import Key
from xmppd.services.stream_management.rounds import Rounds
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Storage, StorageError
from xmppd.stream.acks import TooHigh, is_up_to

ID_BYTES: Final = 24
"""192 bits of randomness in what a session is resumed by."""
WAIT_S: Final = 10.0
"""So long a resumption waits for what is still being handled or committed."""
RECORDS: Final = 2
"""Commits of the count that it waits for: one may be under way that does not cover all."""
SWEEP_S: Final = 6 * 3_600.0


class CannotResume(Exception):
    """A session cannot be resumed: the condition (RFC 6120 8.3.3), and how much of it was handled, if that is known."""

    def __init__(self, condition: str, h: int | None = None):
        super().__init__(condition)
        self.condition = condition
        self.h = h


class StreamManagement:
    """All sessions with stream management, on whatever host."""

    def __init__(
        self,
        registry: SessionRegistry,
        directory: AccountDirectory,
        inbox: Inbox,
        storage: Storage,
        timers: Timers,
        turns: Turns,
        hibernating_bytes: Callable[[], int],
        now: Callable[[], float],
        random_text: Callable[[int], str],
    ):
        """*hibernating_bytes* gives what sessions without a connection may hold together; *now* is wall time in seconds
        since 1970; *random_text* gives so many unguessable bytes as text."""
        self._registry = registry
        self._directory = directory
        self._timers = timers
        self._now = now
        self._random_text = random_text
        self._rounds = Rounds(storage, timers)
        self._sessions: dict[str, Session] = {}
        self.earlier = EarlierSessions(storage, self._sessions.__contains__, now)
        self._inbox = inbox
        inbox.heed(self.earlier)
        self._sweeper: Timer | None = None
        self.hibernating = Hibernating(_held_bytes, registry.destroy, hibernating_bytes, timers, turns)

    def __len__(self) -> int:
        return len(self._sessions)

    # -- enabling (section 3) -----------------------------------------------------------------------------------------

    def enable(
        self, session: Session, settings: Settings, *, is_resumable: bool, max_s: int | None = None
    ) -> StreamLedger:
        """Count the stanzas of a connected resource from now on. *max_s* is what its client prefers."""
        assert session.bare_jid is not None and session.resource is not None and session.ledger is None
        key = Key(session.bare_jid, session.resource, self._random_text(ID_BYTES))
        ledger = StreamLedger(session, key, settings, self._rounds, self._inbox, self._now)
        ledger.is_resumable = is_resumable
        ledger.incoming.is_recorded = is_resumable and self._directory.exists(key.owner)
        ledger.max_s = min(max_s, settings.max_s) if max_s else settings.max_s
        session.ledger = ledger
        self._inbox.counts(session, key.session_id, ledger.record if ledger.is_durable else None)
        session.add_filter(FilterStage.COUNT, ledger.outbound)
        self._sessions[key.session_id] = session
        if ledger.is_durable:
            self._rounds.keep_record(ledger)
        if self._sweeper is None:
            self._sweeper = self._timers.add(SWEEP_S, self._sweep)
        return ledger

    def _sweep(self, now: float, timer: Timer, param: object) -> float:
        spawn("letting go of old sessions", self.earlier.sweep())
        return SWEEP_S

    # -- acknowledgements (section 4) ---------------------------------------------------------------------------------

    def acknowledged(self, session: Session, h: int) -> None:
        """The client has handled *h* stanzas. Raises `StreamError` where it cannot have (section 6)."""
        try:
            ledger_of(session).acknowledge(h)
        except TooHigh as error:
            raise too_high(error) from error

    # -- losing the connection (section 5) ----------------------------------------------------------------------------

    def detached(self, session: Session) -> bool:
        """A connection is lost: say whether its session lives on, and if so count the time."""
        ledger = session.ledger
        if not isinstance(ledger, StreamLedger) or not ledger.is_resumable or self._registry.is_closing:
            return False
        ledger.former = session.stream
        ledger.detach()
        ledger.expiry = self._timers.add(ledger.max_s, self._expired, session)
        ledger.on_grown = self.hibernating.grown
        held = held_back(session)
        if held is not None:
            held.on_grown = self.hibernating.grown
        self.hibernating.add(session)
        return True

    def _expired(self, now: float, timer: Timer, session: Session) -> None:
        ledger = session.ledger
        if isinstance(ledger, StreamLedger) and ledger.expiry is timer:
            ledger.expiry = None
            self._registry.destroy(session)

    # -- resuming -----------------------------------------------------------------------------------------------------

    @deferred
    async def resume(self, stream: SessionStream, previous_id: str, h: int) -> Session | None:
        """Let *stream* go on with the session *previous_id*, whose client has handled *h* stanzas, and give it.

        Nothing is sent yet: what is told to the client first, then `StreamLedger.replay`. Waits for what the session
        still has in hand. None where the stream has ended meanwhile. Raises `CannotResume`; `StreamError` for an *h*
        that is too high.
        """
        provisional = stream.session
        owner = f"{provisional.username}@{provisional.host}"
        session = self._sessions.get(previous_id)
        if session is None or session.bare_jid != owner or not ledger_of(session).is_resumable:
            raise await self._too_late(provisional, owner, previous_id, h)
        ledger = ledger_of(session)
        try:
            ledger.outgoing.check(h)
        except TooHigh as error:
            raise too_high(error) from error
        while True:
            if session.conn is not None:
                self._part(session)
            if not await self._settled(ledger):
                raise CannotResume("resource-constraint")
            if provisional.is_ended or provisional.conn is None:
                return None
            if session.is_ended:
                raise await self._too_late(provisional, owner, previous_id, h)
            if session.conn is None:
                break  # otherwise another stream was quicker, and now this one is
        self._adopt(stream, session, ledger)
        self.acknowledged(session, h)
        return session

    def _part(self, session: Session) -> None:
        """Part a session from its connection, which may still be alive."""
        former = session.stream
        self.detached(session)
        if former is not None:
            former.release(StreamError("conflict", "The session goes on in another stream"))

    async def _settled(self, ledger: StreamLedger) -> bool:
        """Wait until all that came over the former connection is dealt with and committed; say whether that is so."""
        in_hand = ledger.former.dealt_with() if ledger.former is not None else None
        if in_hand is not None:
            await self._within(WAIT_S, in_hand)
        for _ in range(RECORDS):
            if ledger.incoming.is_covered:
                return True
            if not await self._within(WAIT_S, ledger.recorded()):
                return False
        return ledger.incoming.is_covered

    def _adopt(self, stream: SessionStream, session: Session, ledger: StreamLedger) -> None:
        provisional, former = stream.session, ledger.former
        if ledger.expiry is not None:
            self._timers.stop(ledger.expiry)
        ledger.expiry = ledger.former = ledger.on_grown = None
        ledger.is_silent = True
        self.hibernating.remove(session)
        stream.adopt(session)
        if former is not None:
            former.session = provisional  # what it may still be handling came too late, and counts no more

    async def _too_late(self, session: Session, owner: str, previous_id: str, h: int) -> CannotResume:
        """Why the session cannot be resumed; what the client has is forgotten, the rest waits for its presence."""
        try:
            await self._rounds.flush()
            handled = await self.earlier.handled(owner, previous_id)
            is_known = await self._inbox.came_back(owner, previous_id, lambda number: is_up_to(number, h))
        except StorageError:
            return CannotResume("resource-constraint")
        if handled is None and is_known:
            handled = 0
        if handled is not None:
            session.attach(CLAIM, previous_id)
        return CannotResume("item-not-found", handled)

    def _within(self, seconds: float, waiting: Deferred[Any]) -> Deferred[bool]:
        """Fires when *waiting* does, with True, or after *seconds*, with False."""
        done: Deferred[bool] = Deferred()
        timer = self._timers.add(seconds, lambda now, timer, param: done.callback(False))

        def fired(result: object) -> object:
            self._timers.stop(timer)
            if not done.called:
                done.callback(True)
            return result

        waiting.addCallback(fired)
        return done

    # -- the end (sections 4, 7) --------------------------------------------------------------------------------------

    def unbound(self, unbound: Unbound) -> None:
        """A session has ended: what its client has not acknowledged goes where it can."""
        session = unbound.session
        ledger = session.ledger
        if not isinstance(ledger, StreamLedger) or self._sessions.get(ledger.key.session_id) is not session:
            return
        del self._sessions[ledger.key.session_id]
        self.hibernating.remove(session)
        if ledger.expiry is not None:
            self._timers.stop(ledger.expiry)
            ledger.expiry = None
        self._rounds.left(ledger)
        if self._directory.exists(ledger.key.owner) and ledger.is_durable:
            self._rounds.keep_record(ledger)
            forgotten = self.earlier.remember(ledger.key)
            if forgotten is not None:
                self._rounds.keep(forgotten)
        else:
            ledger.incoming.is_recorded = False
        if self._registry.is_closing:  # whatever waits for the next start is stored as it is
            self._rounds.flush()
            self._inbox.flush()
            return
        self._inbox.ended(JID.parse(ledger.key.owner), ledger.key.session_id, ledger.outgoing)


def _held_bytes(session: Session) -> int:
    """Give what waits for the client of a session."""
    held = held_back(session)
    return ledger_of(session).outgoing.size_bytes + (0 if held is None else held.size_bytes)


def ledger_of(session: Session) -> StreamLedger:
    """Give the ledger of a session that has stream management enabled."""
    ledger = session.ledger
    assert isinstance(ledger, StreamLedger)
    return ledger


def too_high(error: TooHigh) -> StreamError:
    """Section 6: the client acknowledges more than it was sent."""
    extra = Element("handled-count-too-high", NS, {"h": str(error.h), "send-count": str(error.sent)})
    text = f"You acknowledged {error.h} stanzas, but I only sent you {error.sent} so far."
    return StreamError("undefined-condition", text, extra=extra)
