"""Handing stored messages to a session that has come, with live ones queued behind them: XEP-0160 2, RFC 6121 8.5.2.

Rules that live here:

- the first resource that becomes available with a non-negative priority is handed all that waits, in order, with the
  time it came (XEP-0203), in batches between which others have their turn; another that comes meanwhile gets none;
- live messages for that session join the queue as long as it lasts; durable ones are stored as well, so that they
  outlive the session;
- a session is given no more than its connection and its queue can take (`pace`); one without a connection whose queue
  is half full leaves the rest to another resource, if there is one, else to itself when it is resumed;
- messages are removed once they are delivered, which means: written to the connection; where the session's stream
  management keeps them until they are acknowledged (XEP-0198), they are in its queue and no longer in the store by one
  transaction, and are written after it, so that whoever has them is never handed them again;
- what cannot be read back is put aside and does not stop the rest.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.events import Delivery
from xmppd.core.host import Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import deferred, spawn
from xmppd.core.window import Pace, Window, window_of
from xmppd.services.offline.usage import Usage, Usages
from xmppd.stanza.delay import DELAY, delay_xml
from xmppd.stanza.errors import StreamError
from xmppd.stanza.kinds import kind_of
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Append, Change, DeleteEntries, Entry, NewEntry, Storage, StorageError

STORE = "offline"
ASIDE = "offline_unreadable"
"""Where entries go that cannot be read back, as they are."""
BATCH = 100
"""Messages handed over in one turn of the reactor."""
HELD_BYTES = 4 * 1024 * 1024
"""Live messages in memory that may wait behind the stored ones of a session; more of what is not stored ends it."""
RETRY_S = 30.0
"""So long a hand-over waits that the storage has broken off."""


class Others(Protocol):
    """Who else has messages for accounts: what sessions of before have left (XEP-0198)."""

    def learn(self) -> Deferred[None]:
        """Read once for whom there may be any; until then nobody is excepted. `StorageError`."""

    def may_have(self, owner: str) -> bool:
        """Whether there may be any for *owner*; answers at once."""

    def page(self, session: Session, after: int, window: Window) -> Deferred[Any]:
        """Give what *session* gets next, behind place *after* and within *window*: ``messages`` with their times,
        ``changes`` that take them out, and the ``last`` place; None at the end. `StorageError`."""

    def emptied(self, session: Session) -> Deferred[float | None]:
        """*session* has all pages. Gives after how many seconds the rest may be given to anybody; None: no rest."""

    def fetched(self, session: Session, ids: Sequence[str] | None) -> Deferred[None]:
        """*session* has got these from the archive, None: gets all that is there, and is not given them again."""


class _Held(NamedTuple):
    """A live message that waits behind stored ones."""

    stanza: Stanza
    entry_id: str = ""
    """The id of the stored entry; "" where there is none."""
    release: Change | None = None
    """What takes it out of where the session's stream management keeps it meanwhile."""


class _Hold:
    """A session that is being handed its messages, and what has come for it meanwhile."""

    __slots__ = ("behind", "held", "held_bytes", "ids", "is_given_up", "is_late", "is_started", "session")

    def __init__(self, session: Session):
        self.session = session
        self.is_started = self.is_given_up = False
        self.is_late = False
        """Whether something went into the store that the hand-over may not have seen."""
        self.held_bytes = 0
        self.held: list[_Held] = []
        self.ids: set[str] = set()
        self.behind: dict[Session, None] = {}  # those that have come meanwhile

    @property
    def is_taking(self) -> bool:
        """Whether its session may be handed stored messages."""
        session = self.session
        is_able = session.presence is not None and session.priority >= 0 and session.is_connected
        return is_able and not self.is_given_up


class OfflineDelivery:
    """Hands stored messages to sessions that come, and keeps live ones back meanwhile."""

    _log = Logger()

    def __init__(
        self, hosts: Hosts, registry: SessionRegistry, storage: Storage, timers: Timers, usages: Usages
    ):
        self._hosts = hosts
        self._registry = registry
        self._storage = storage
        self._timers = timers
        self._tallies = usages
        self._pace = Pace(timers)
        self._holds: dict[str, _Hold] = {}
        self._again: set[str] = set()
        self._given: dict[str, tuple[Session, set[int]]] = {}
        """By account: what a session was given that could not be removed; until the session ends."""
        self.others: Others | None = None
        """Whose messages come before those of the store."""

    # -- live messages behind stored ones -----------------------------------------------------------------------------

    def hold(
        self, delivery: Delivery, store: Callable[[Delivery, Usage], str]
    ) -> Deferred[bool] | bool | None:
        """Take the session that is being handed its stored messages out of *delivery*. True: it was the only one.

        *store* puts the message into the store behind all others, and gives the id of its entry.
        """
        if not self._holds:
            return None
        hold = self._holds.get(delivery.target.bare)
        if hold is None or hold.session not in delivery.sessions or not (hold.is_started or hold.is_taking):
            return None
        others = tuple(session for session in delivery.sessions if session is not hold.session)
        if others or not kind_of(delivery.stanza).is_durable:
            ledger, takers = hold.session.ledger, delivery.sessions
            release = None if ledger is None else ledger.queue(delivery.stanza, delivery.changes, takers)
            delivery.sessions = others
            self._hold(hold, _Held(delivery.stanza, release=release))
            return None if others else True
        usage = self._tallies.get(delivery.target.bare)
        if usage is None:
            return self._hold_later(hold, delivery, store)
        self._hold(hold, _Held(delivery.stanza, store(delivery, usage)))
        return True

    @deferred
    async def _hold_later(
        self, hold: _Hold, delivery: Delivery, store: Callable[[Delivery, Usage], str]
    ) -> bool:
        usage = await self._tallies.load(delivery.target.bare)
        if self._holds.get(delivery.target.bare) is not hold:
            return False
        self._hold(hold, _Held(delivery.stanza, store(delivery, usage)))
        return True

    def send_behind(self, session: Session, stanza: Stanza) -> bool:
        """Send a copy of a message to a session: behind the stored ones where it is being handed them."""
        hold = self._holds.get(session.bare_jid or "") if self._holds else None
        if hold is None or hold.session is not session or not hold.is_started:
            return session.send(stanza)
        self._hold(hold, _Held(stanza))
        return True

    def _hold(self, hold: _Hold, held: _Held) -> None:
        hold.held_bytes += len(held.stanza.inner)
        if hold.held_bytes > HELD_BYTES:
            if held.entry_id:
                hold.is_late = True  # it is read from the store in its turn
                return
            self._timers.add(0.0, self._overflow, hold.session)
        if held.entry_id:
            hold.ids.add(held.entry_id)
        hold.held.append(held)

    def _overflow(self, now: float, timer: Timer, session: Session) -> None:
        session.close(StreamError("resource-constraint", "Too much waits behind stored messages"))

    # -- handing over -------------------------------------------------------------------------------------------------

    def coming(self, session: Session) -> None:
        """A session is about to become available: what comes for it from now on queues behind what is stored."""
        owner = session.bare_jid or ""
        hold = self._holds.get(owner)
        if (hold is None or not hold.is_started) and not self._is_nothing_left(owner):
            self._holds[owner] = _Hold(session)

    def came(self, session: Session) -> None:
        """A session has become available, or has another priority: hand it what is stored, if it may have it."""
        owner = session.bare_jid or ""
        hold = self._holds.get(owner)
        if hold is not None and hold.is_started:
            if hold.session is not session:
                hold.behind[session] = None
            return
        if session.priority < 0 or self._is_nothing_left(owner):
            if hold is not None and hold.session is session:
                self._end(owner, hold)
            return
        if hold is None or hold.session is not session:
            hold = self._holds[owner] = _Hold(session)
        hold.is_started = True
        spawn("handing over offline messages", self._hand_over(owner, hold))

    def _is_nothing_left(self, owner: str) -> bool:
        others = self.others
        return self._tallies.is_empty(owner) and (others is None or not others.may_have(owner))

    def left(self, session: Session) -> None:
        """A session has ended; what it was not handed stays for the next."""
        if self._given and self._given_to(session.bare_jid or "", session):
            del self._given[session.bare_jid or ""]
        hold = self._holds.get(session.bare_jid or "")
        if hold is not None and hold.session is session and not hold.is_started:
            self._end(session.bare_jid or "", hold)

    async def _hand_over(self, owner: str, hold: _Hold) -> None:
        try:
            await self._hand_others(owner, hold)
            await self._hand_stored(owner, hold)
            while hold.held and hold.session.is_connected and not hold.is_given_up:
                await self._hand_held(owner, hold)
        except StorageError as error:
            self._log.error("Offline messages of {owner} wait on: {error}", owner=owner, error=str(error))
            self._tallies.forget(owner)
            self._end(owner, hold, is_final=True)
            self._timers.add(RETRY_S, lambda now, timer, owner: self.look_again(owner), owner)
        finally:
            self._end(owner, hold)

    async def _hand_others(self, owner: str, hold: _Hold) -> None:
        others, session, last = self.others, hold.session, 0
        if others is None:
            return
        while hold.is_taking and others.may_have(owner):
            page = await others.page(session, last, await self._window(owner, hold))
            if page is None:
                self._hand_rest(owner, await others.emptied(session))
                return
            last = page.last
            if hold.is_taking and page.changes:
                late = [_late(stanza, at, session.host or "") for stanza, at in page.messages]
                await self._send(session, late, page.changes)
                await self._pace.pause()

    def _hand_rest(self, owner: str, delay_s: float | None) -> None:
        """What is another client's for now is handed to anybody after *delay_s*."""

        def again(now: float, timer: object, owner: str) -> None:
            self._again.discard(owner)
            self.look_again(owner)

        if delay_s is not None and owner not in self._again:
            self._again.add(owner)
            self._timers.add(delay_s, again, owner)

    async def _hand_stored(self, owner: str, hold: _Hold) -> None:
        usage = self._tallies.get(owner)
        running = None if usage is None else usage.running
        last, is_more = 0, True
        while is_more and hold.is_taking:
            entries = await self._tallies.entries(owner, last, BATCH)
            old = [entry for entry in entries if entry.id not in hold.ids]
            is_more = len(entries) == BATCH and len(old) == BATCH
            while old and hold.is_taking:
                window = await self._window(owner, hold)
                fitting = window.fitting(len(entry.stanza) for entry in old)
                if not hold.is_taking:
                    break
                await self._hand_entries(owner, hold.session, old[:fitting])
                last, old = old[fitting - 1].seq, old[fitting:]
                if old or is_more:
                    await self._pace.pause()
        if not is_more and not hold.ids and hold.is_taking and owner not in self._given:
            self._tallies.emptied(owner, running)

    async def _hand_entries(self, owner: str, session: Session, entries: Sequence[Entry]) -> None:
        given = self._given_to(owner, session)
        new = [entry for entry in entries if entry.seq not in given]
        removed = entries if session.ledger is None else new  # what is not acknowledged may be needed again
        if not removed:
            return
        changes: list[Change] = [DeleteEntries(STORE, owner, seqs=tuple(entry.seq for entry in removed))]
        stanzas = self._stanzas(owner, session.host or "", new, changes)
        try:
            is_done = await self._send(session, stanzas, changes)
        except StorageError:
            self._given[owner] = (session, given.union(entry.seq for entry in new))
            raise
        if is_done:
            self._tallies.remove(owner, [len(entry.stanza) for entry in removed])
            if session.ledger is None:
                self._given.pop(owner, None)

    def _given_to(self, owner: str, session: Session) -> set[int]:
        who, seqs = self._given.get(owner, (None, set()))
        return seqs if who is session else set()

    def _stanzas(
        self, owner: str, host: str, entries: Sequence[Entry], changes: list[Change]
    ) -> list[Stanza]:
        """Read *entries* back; those that cannot be are put aside by *changes*."""
        stanzas: list[Stanza] = []
        for entry in entries:
            try:
                stanza = Stanza.parse(entry.stanza)
            except ValueError as error:
                text = "A message for {owner} cannot be read back and is put aside: {error}"
                self._log.error(text, owner=owner, error=str(error))
                changes.append(Append(ASIDE, owner, NewEntry("", *entry[2:])))
                continue
            stanzas.append(_late(stanza, entry.sent_at, host))
        return stanzas

    async def _hand_held(self, owner: str, hold: _Hold) -> None:
        window = await self._window(owner, hold)
        fitting = window.fitting(len(each.stanza.inner) for each in hold.held)
        if hold.is_given_up:
            return
        held, hold.held = hold.held[:fitting], hold.held[fitting:]
        hold.held_bytes -= sum(len(each.stanza.inner) for each in held)
        stored = [each for each in held if each.entry_id]
        changes = [each.release for each in held if each.release is not None]
        if stored:
            changes.append(DeleteEntries(STORE, owner, ids=tuple(each.entry_id for each in stored)))
        if await self._send(hold.session, [each.stanza for each in held], changes):
            self._tallies.remove(owner, [len(each.stanza.to_bytes()) for each in stored])

    async def _send(self, session: Session, stanzas: Sequence[Stanza], changes: list[Change]) -> bool:
        """Send *stanzas* and make *changes*, first what is kept the longer; say whether both happened."""
        ledger = session.ledger
        if ledger is not None:
            ledger.cork()
        try:
            is_sent = True
            for stanza in stanzas:
                if ledger is not None:
                    ledger.delivering(stanza, changes, (session,))
                is_sent = session.send(stanza) and is_sent
            if is_sent and changes:
                await self._storage.commit(*changes)
            return is_sent
        finally:
            if ledger is not None:
                ledger.uncork()

    async def _window(self, owner: str, hold: _Hold) -> Window:
        """Wait for a window, but not while another resource could take what a session without a connection cannot."""
        session = hold.session

        def may_wait() -> bool:
            return hold.is_taking and (session.conn is not None or self._taker(owner) is None)

        window = await self._pace.window(session, may_wait)
        hold.is_given_up = not window.is_there
        return window

    def _end(self, owner: str, hold: _Hold, *, is_final: bool = False) -> None:
        if self._holds.get(owner) is not hold:
            return
        del self._holds[owner]
        held = [each for each in hold.held if not each.entry_id]
        if held and hold.session.is_connected:
            changes = [each.release for each in held if each.release is not None]
            spawn("sending what waited", self._send(hold.session, [each.stanza for each in held], changes))
        for session in () if is_final else hold.behind:
            if session.presence is not None and not session.is_ended:
                self.came(session)
        if not is_final and (hold.is_late or not hold.is_taking):
            self._next_one(owner)

    def look_again(self, owner: str) -> None:
        """Something has entered the store while somebody may have come: hand it over, unless nobody is there."""
        hold = self._holds.get(owner)
        if hold is not None and hold.is_started:
            hold.is_late = True
        else:
            self._next_one(owner)

    def _next_one(self, owner: str) -> None:
        """Hand what is left to another resource that could take it."""
        session = self._taker(owner)
        if session is not None:
            self.came(session)

    def _taker(self, owner: str) -> Session | None:
        """A resource that may be handed messages, and has room for them."""
        for session in self._registry.resources(owner):
            is_able = session.presence is not None and session.priority >= 0
            if is_able and (session.conn is not None or window_of(session).is_there):
                return session
        return None


def _late(stanza: Stanza, came_at: float, host: str) -> Stanza:
    return stanza.with_last(delay_xml(came_at, host), DELAY)
