"""Handing a session what waits for its account, with live messages behind it: XEP-0160 2, RFC 6121 8.5.2.

Rules that live here:

- the first resource that becomes available with a non-negative priority is handed what waits, in the order in which it
  came, with the time it came (XEP-0203), in pages between which others have their turn; another that comes meanwhile
  has its turn behind it;
- live messages for that session are records behind all others as long as it lasts. A few of the newest are kept in
  memory as well, so that it comes to an end; what is not durable waits in memory alone, and too much of it ends the
  session;
- a session is given no more than its connection and its queue can take (`xmppd.core.window`); one without a connection
  whose queue is half full leaves the rest to another resource, if there is one, else to itself when it is resumed;
- how it is given is in `xmppd.services.inbox.giving`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import spawn
from xmppd.core.window import Pace, Window, window_of
from xmppd.services.inbox import machine
from xmppd.services.inbox.backlog import Backlog, Due
from xmppd.services.inbox.giving import Giver
from xmppd.services.inbox.machine import Claim, Record, Verdict
from xmppd.services.inbox.store import PAGE, RETRY_S, Placed, Records
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import StorageError

LIVE_BYTES: Final = 1024 * 1024
"""Live messages that are kept in memory while they wait behind stored ones, besides their records."""
VOLATILE_BYTES: Final = 4 * 1024 * 1024
"""What is not durable and waits there; more of it ends the session."""
OVERHEAD_BYTES: Final = 200
"""What a stanza takes besides its bytes, about."""


class Earlier(Protocol):
    """Who knows of sessions of before the server's last start."""

    def sessions(self, owner: str) -> Deferred[dict[str, str]]:
        """Give the resource of each, by its key, that is not there and has not ended since. `StorageError`."""

    def claimed(self, session: Session) -> str | None:
        """Give the key of the session that a client could not resume, in the place of which it has this one."""


class Backlogs:
    """Hands sessions that come what waits, and keeps live messages behind it meanwhile: one session an account."""

    _log = Logger()

    def __init__(
        self,
        registry: SessionRegistry,
        records: Records,
        giver: Giver,
        timers: Timers,
        key_of: Callable[[Session], str],
        redeliver: Callable[[str, str, Iterable[Due]], None],
    ):
        """*key_of* gives the key by which a session is a holder; *redeliver* sees to volatile messages for an account
        that one could not be given any more."""
        self._registry = registry
        self._records = records
        self._timers = timers
        self._key_of = key_of
        self._giver = giver
        self._redeliver = redeliver
        self._pace = Pace(timers)
        self.by_owner: dict[str, Backlog] = {}
        """Who is being handed what waits, or is about to be, by the account; others only look."""
        self._again: set[str] = set()
        self.earlier: Earlier | None = None

    # -- live messages behind stored ones -----------------------------------------------------------------------------

    def of(self, owner: str, session: Session) -> Backlog | None:
        """Give what *session* is being handed, or is about to be."""
        backlog = self.by_owner.get(owner)
        if backlog is None or backlog.session is not session:
            return None
        return backlog if backlog.is_started or backlog.is_taking else None

    def put(self, backlog: Backlog, stanza: Stanza, record: Record | None) -> None:
        """A live message waits."""
        live, size = Due(stanza, record, self._records.now()), _size(stanza)
        if live.is_stored and backlog.live_bytes + size > LIVE_BYTES:
            self._let_go_of_live(backlog)  # it is read from the store in its turn, as are those ahead of it
            return
        backlog.live.append(live)
        backlog.live_bytes += size
        if record is not None and record.is_stored:
            self._records.pin(record)
            backlog.live_ids.add(record.id)
        elif backlog.live_bytes > VOLATILE_BYTES:
            self._timers.add(0.0, self._overflow, backlog.session)

    def waits(self, owner: str) -> None:
        """A message waits in the store alone: live ones that are in memory must not overtake it, nor it them."""
        self._records.waits(owner)
        backlog = self.by_owner.get(owner)
        if backlog is not None:
            self._let_go_of_live(backlog)

    def _let_go_of_live(self, backlog: Backlog) -> None:
        """Keep no durable message in memory: they are in the store."""
        backlog.is_unread = True
        self._records.unpin(each.record for each in backlog.live if each.is_stored)
        backlog.live = deque(each for each in backlog.live if not each.is_stored)
        backlog.live_ids.clear()
        backlog.live_bytes = sum(_size(each.stanza) for each in backlog.live)

    def _overflow(self, now: float, timer: Timer, session: Session) -> None:
        session.close(StreamError("resource-constraint", "Too much waits behind stored messages"))

    # -- who comes and goes -------------------------------------------------------------------------------------------

    def coming(self, session: Session) -> None:
        """A session is about to become available: what comes for it from now on queues behind what waits."""
        owner = session.bare_jid or ""
        backlog = self.by_owner.get(owner)
        if (backlog is None or not backlog.is_started) and self._records.may_wait(owner):
            self._replace(owner, backlog, session)

    def _replace(self, owner: str, backlog: Backlog | None, session: Session) -> Backlog:
        """Begin with *session*; *backlog* is one that has not begun."""
        if backlog is not None:
            self._end(owner, backlog, is_final=True)
        new = self.by_owner[owner] = Backlog(session, self._key_of(session))
        return new

    def came(self, session: Session) -> None:
        """A session has become available, or has another priority: hand it what waits, if it may have it."""
        owner = session.bare_jid or ""
        backlog = self.by_owner.get(owner)
        if backlog is not None and backlog.is_started:
            if backlog.session is not session:
                backlog.behind[session] = None
            return
        if session.priority < 0 or not self._records.may_wait(owner):
            if backlog is not None and backlog.session is session:
                self._end(owner, backlog)
            return
        if backlog is None or backlog.session is not session:
            backlog = self._replace(owner, backlog, session)
        backlog.is_started = True
        spawn("handing over what waits", self._hand_over(owner, backlog))

    def left(self, session: Session) -> None:
        """A session has ended; what it was not handed stays for the next."""
        backlog = self.by_owner.get(session.bare_jid or "")
        if backlog is not None and backlog.session is session:
            self._end(session.bare_jid or "", backlog)

    def look_again(self, owner: str) -> None:
        """Something waits while somebody may be there: hand it over, unless nobody is."""
        backlog = self.by_owner.get(owner)
        if backlog is not None:
            backlog.is_unread = True
        if backlog is None or not backlog.is_started:
            self._next_one(owner)

    def taker(self, owner: str) -> Session | None:
        """A resource that may be handed messages, and has room for them; the one of the highest priority."""
        found: Session | None = None
        for session in self._registry.resources(owner):
            is_able = session.presence is not None and session.priority >= 0
            is_able = is_able and (session.conn is not None or _has_room(session))
            if is_able and (found is None or session.priority > found.priority):
                found = session
        return found

    def _next_one(self, owner: str) -> None:
        session = self.taker(owner)
        if session is not None:
            self.came(session)

    def _end(self, owner: str, backlog: Backlog, *, is_final: bool = False) -> None:
        if self.by_owner.get(owner) is not backlog:
            return
        del self.by_owner[owner]
        volatile = [live for live in backlog.live if not live.is_stored]  # the others are in the store
        is_there = backlog.is_reachable and backlog.session in self._registry.resources(owner)
        for live in volatile if is_there else ():
            self._giver.send(backlog.session, live.stanza, live.record)
        is_left = backlog.is_unread or bool(backlog.live_ids)
        self._records.unpin(each.record for each in backlog.live if each.is_stored)
        if is_left:
            self._records.waits(owner)
        for session in () if is_final else backlog.behind:
            if session.presence is not None and not session.is_ended:
                self.came(session)
        if not is_final and (is_left or not backlog.is_taking):
            self._next_one(owner)
        if not is_there:
            self._redeliver(owner, backlog.claim.key, volatile)

    # -- handing over -------------------------------------------------------------------------------------------------

    async def _hand_over(self, owner: str, backlog: Backlog) -> None:
        try:
            backlog.claim = await self.claim(owner, backlog.session)
            while backlog.is_taking and (backlog.is_unread or backlog.live):
                if backlog.is_unread:
                    await self._hand_stored(owner, backlog)
                else:
                    await self._hand_live(owner, backlog)
        except StorageError as error:
            self._log.error("What waits for {owner} waits on: {error}", owner=owner, error=str(error))
            self._records.waits(owner)
            self._end(owner, backlog, is_final=True)
            self._timers.add(RETRY_S, lambda now, timer, owner: self.look_again(owner), owner)
        finally:
            self._end(owner, backlog)

    async def claim(self, owner: str, session: Session) -> Claim:
        """Give what a session may have of what waits. Waits; `StorageError`."""
        key = self._key_of(session)
        earlier = await self.learn_earlier(owner)
        keys = {each for each, resource in earlier.items() if resource == session.resource}
        previous = None if self.earlier is None else self.earlier.claimed(session)
        if previous is not None:
            keys.add(previous)
        is_late = self._records.reserved_s <= 0
        return Claim(key, frozenset(keys), is_late or not keys)

    async def learn_earlier(self, owner: str) -> dict[str, str]:
        """Learn of the account's sessions of before the start, and give their resources. Waits; `StorageError`."""
        earlier = {} if self.earlier is None else await self.earlier.sessions(owner)
        self._records.reserve(earlier)
        return earlier

    async def _hand_stored(self, owner: str, backlog: Backlog) -> None:
        """Hand over all that waits in the store behind the last place looked at."""
        backlog.is_unread = backlog.is_rest = backlog.is_owed = False
        backlog.told = self._records.told(owner)
        after, is_more = 0, True
        while is_more:
            page = await self._records.page(owner, after)
            self._look_at(backlog, page)
            try:
                is_more = await self._hand_page(owner, backlog, page)
            finally:
                self._records.unpin(placed.record for placed in page)
            if is_more:
                after = page[-1].seq
                await self._pace.pause()
        if not backlog.is_taking:
            backlog.is_unread = True
        if backlog.is_rest:
            self._hand_rest(owner)
        if not backlog.live:
            self._emptied(owner, backlog)

    def _emptied(self, owner: str, backlog: Backlog) -> None:
        if not (backlog.is_unread or backlog.is_rest or backlog.is_owed):
            self._records.emptied(owner, backlog.told)

    def _look_at(self, backlog: Backlog, page: Iterable[Placed]) -> None:
        """Look at what is not given, and at what is kept for others."""
        standing, claim = self._records.standing, backlog.claim
        for _, record, _ in page:
            verdict = machine.verdict(record, claim, standing)
            if verdict is Verdict.FORGET or (verdict is Verdict.PASS and machine.entitled(record, claim)):
                self._records.touch(record)
            elif not record.is_gone:
                backlog.is_rest |= machine.is_kept(record, claim, standing)
                backlog.is_owed |= machine.is_owed(record, claim, standing)

    async def _hand_page(self, owner: str, backlog: Backlog, page: Sequence[Placed]) -> bool:
        """Hand over what of a page its session is given; say whether there may be more behind it."""
        stanzas: dict[int, Stanza] | None = None
        waiting = [placed for placed in page if self._is_given(backlog, placed)]
        while waiting and backlog.is_taking:
            if stanzas is None:
                stanzas = await self._giver.contents(owner, waiting)
            window = await self._window(owner, backlog)
            waiting = [each for each in waiting if each.seq in stanzas and self._is_given(backlog, each)]
            fitting = window.fitting(_size(stanzas[each.seq]) for each in waiting)
            if not backlog.is_taking:
                return False
            now, waiting = waiting[:fitting], waiting[fitting:]
            prepared = [self._giver.prepared(owner, backlog, each, stanzas[each.seq]) for each in now]
            await self._giver.give(owner, backlog, prepared)
            if waiting:
                await self._pace.pause()
        return backlog.is_taking and len(page) == PAGE

    def _is_given(self, backlog: Backlog, placed: Placed) -> bool:
        if placed.record.id in backlog.live_ids:
            return False
        return machine.verdict(placed.record, backlog.claim, self._records.standing) is Verdict.GIVE

    async def _hand_live(self, owner: str, backlog: Backlog) -> None:
        """Hand over what waits in memory; with the last of it live messages go on as ever."""
        window = await self._window(owner, backlog)
        if not backlog.is_taking:
            return
        fitting = window.fitting(_size(each.stanza) for each in backlog.live)
        those = [backlog.live.popleft() for _ in range(min(fitting, len(backlog.live)))]
        backlog.live_bytes -= sum(_size(each.stanza) for each in those)
        backlog.live_ids.difference_update(each.record.id for each in those if each.record is not None)
        if not backlog.live and not backlog.is_unread:
            self._emptied(owner, backlog)
            self._end(owner, backlog)
        try:
            await self._giver.give(owner, backlog, those)
        finally:
            self._records.unpin(live.record for live in those if live.is_stored)

    # -- the rest -----------------------------------------------------------------------------------------------------

    async def _window(self, owner: str, backlog: Backlog) -> Window:
        """Wait for a window, but not while another resource could take what a session without a connection cannot."""
        session = backlog.session

        def may_wait() -> bool:
            return backlog.is_taking and (session.conn is not None or self.taker(owner) is None)

        window = await self._pace.window(session, may_wait)
        backlog.is_given_up = not window.is_there
        return window

    def _hand_rest(self, owner: str) -> None:
        """What is another client's for now is handed to anybody once it is too late for that."""

        def again(now: float, timer: object, owner: str) -> None:
            self._again.discard(owner)
            self.look_again(owner)

        if owner not in self._again:
            self._again.add(owner)
            self._timers.add(max(0.0, self._records.reserved_s) + 1.0, again, owner)


def _has_room(session: Session) -> bool:
    """Whether a session without a connection keeps what it is sent, and has room for it."""
    return session.ledger is not None and window_of(session).is_there


def _size(stanza: Stanza) -> int:
    return len(stanza.to_bytes()) + OVERHEAD_BYTES
