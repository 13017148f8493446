"""The records of all inboxes: those in memory, what is to be written of them, and how much each account has.

Rules that live here: in memory is a record of which somebody who is there has a copy, or that was changed since it was
written; there it counts for more than in the store. A record leaves memory when its changes are committed, and not
while the store is being read for its account, since what is read may be older.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core.bounded import Bounded
from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import deferred
from xmppd.services.inbox import machine
from xmppd.services.inbox.machine import Record, Standing, is_finished
from xmppd.services.inbox.records import STORE, encode, read
from xmppd.storage.interface import Change, DeleteEntries, Entry, Note, Selection, Storage, StorageFailed
from xmppd.storage.pages import all_owners

PULSE_S: Final = 0.25
"""After so long is written what clients have acknowledged."""
RETRY_S: Final = 30.0
"""So long the next attempt waits when the storage has broken off."""
PAGE: Final = 100
REMEMBERED: Final = 10_000
"""Of so many accounts it is known how much waits."""
RESERVED_S: Final = 600.0
"""So long after the start what a session has left waits for its own client, if others are known to be others."""
STALE_AFTER_S: Final = 60.0
"""A usage that says "full" and is older than this is counted anew: a commit may have failed since."""


class Usage:
    """How much an account's inbox has, and when that was counted."""

    __slots__ = ("counted_at", "messages", "size_bytes")

    def __init__(self, messages: int, size_bytes: int, counted_at: float):
        self.messages = messages
        self.size_bytes = size_bytes
        self.counted_at = counted_at


class Placed(NamedTuple):
    """A record as it was read, with its place and its content, which is b"" where that stands in the archive."""

    seq: int
    record: Record
    entry: Entry


class Records:
    """What is known of all inboxes."""

    _log = Logger()

    def __init__(
        self,
        storage: Storage,
        timers: Timers,
        now: Callable[[], float],
    ):
        """*now* is wall time in seconds since 1970."""
        self._storage = storage
        self._timers = timers
        self.now = now
        self._holders: dict[str, Standing] = {}
        self.unknown: dict[str, Callable[[], Change | None]] = {}
        """What is to be stored of holders with the first record that each holds."""
        self._reserved: set[str] = set()
        self._reserved_until = now() + RESERVED_S
        self._live: dict[str, dict[str, Record]] = {}
        self._touched: dict[Record, None] = {}
        self._waited: set[Record] = set()
        """Those of them that had changed at the last pulse."""
        self._readers: dict[str, int] = {}
        self._late: dict[str, list[Record]] = {}
        self._pulse: Timer | None = None
        self._usages: Bounded[str, Usage] = Bounded(REMEMBERED)
        self._owners: dict[str, int] = {}
        """For whom anything may wait; nobody is missing once that is learnt."""
        self._told = 0
        self._is_learning = self._is_learnt = False

    @property
    def waiting_accounts(self) -> int:
        """For how many accounts anything may wait."""
        return len(self._owners)

    @property
    def unwritten(self) -> int:
        """How many records were changed and are not written yet."""
        return len(self._touched)

    # -- who holds ----------------------------------------------------------------------------------------------------

    def begin(self, key: str, account: Callable[[], Change | None] | None = None) -> None:
        """Somebody who may hold copies is there; *account* gives what is stored of one whose peer may come back."""
        self._holders[key] = Standing.LIVE if account is None else Standing.LASTING
        if account is not None:
            self.unknown[key] = account

    def introductions(self, keys: Iterable[str]) -> list[Change]:
        """Give what is to be stored with the first record that each of *keys* holds."""
        accounts = [self.unknown.pop(key) for key in keys if key in self.unknown]
        return [change for change in (account() for account in accounts) if change is not None]

    def end(self, key: str) -> None:
        """It has ended; harmless for any other."""
        self._holders.pop(key, None)
        self.unknown.pop(key, None)

    def standing(self, key: str) -> Standing:
        """Give what a holder is now."""
        now = self._holders.get(key)
        if now is not None:
            return now
        is_reserved = key in self._reserved and self.reserved_s > 0
        return Standing.RESERVED if is_reserved else Standing.GONE

    def reserve(self, keys: Iterable[str]) -> None:
        """These are of before the start, and their peers may come back; those who are there stay what they are."""
        self._reserved.update(keys)

    @property
    def reserved_s(self) -> float:
        """So many seconds what holders of before the start have left waits for their peers."""
        return self._reserved_until - self.now()

    # -- what is in memory --------------------------------------------------------------------------------------------

    def get(self, owner: str, id: str) -> Record | None:
        """Give a record that is in memory."""
        live = self._live.get(owner)
        return None if live is None else live.get(id)

    def hold(self, record: Record) -> None:
        """Have a record in memory, until `release`."""
        live = self._live.get(record.owner)
        if live is None:
            live = self._live[record.owner] = {}
        live[record.id] = record

    def release(self, record: Record) -> None:
        """Let go of a record, unless it is needed in memory; harmless for one that is not there."""
        owner, holders = record.owner, self._holders
        live = self._live.get(owner)
        if live is None or live.get(record.id) is not record or record in self._touched:
            return
        if record.pins or (
            not record.is_gone and any(n >= 0 and key in holders for key, n in record.holders.items())
        ):
            return
        if owner in self._readers:
            self._late.setdefault(owner, []).append(record)
            return
        del live[record.id]
        if not live:
            del self._live[owner]

    def pin(self, record: Record) -> None:
        """Have a record in memory, until `unpin`."""
        record.pins += 1
        self.hold(record)

    def unpin(self, records: Iterable[Record | None]) -> None:
        """Let go of what was pinned."""
        for record in records:
            if record is not None:
                record.pins -= 1
                self.release(record)

    def touch(self, record: Record) -> None:
        """A record has changed: write it in a while."""
        if record.is_stored:
            self._touched[record] = None
            self.hold(record)
            self._wake()

    def acknowledged(self, records: Iterable[Record], key: str) -> None:
        """*key* has its copies: written in a while."""
        for record in records:
            machine.acknowledged(record, key)
            if record.is_stored and not record.is_gone:
                self._touched[record] = None
        self._wake()

    def _wake(self) -> None:
        if self._touched and self._pulse is None:
            self._pulse = self._timers.add(PULSE_S, self._beat)

    def forget(self, owner: str) -> None:
        """Keep nothing of an account."""
        for record in self._live.pop(owner, {}).values():
            self._touched.pop(record, None)
        self._usages.pop(owner, None)
        self._owners.pop(owner, None)

    # -- reading ------------------------------------------------------------------------------------------------------

    @deferred
    async def page(self, owner: str, after: int = 0, ids: Sequence[str] | None = None) -> list[Placed]:
        """Give the next `PAGE` records behind place *after*, or those with these *ids* (as many as in a page of the
        storage at most) that are there; all are in memory, until `unpin`.

        Nothing that was committed before is missing. Waits; `StorageError`.
        """
        self._readers[owner] = self._readers.get(owner, 0) + 1
        try:
            if ids is not None:
                entries = await self._storage.read_ids(STORE, owner, ids, is_fresh=True)
            else:
                here = Selection(after=after)
                entries = await self._storage.read(STORE, owner, here, limit=PAGE, is_fresh=True)
            return [self._placed(owner, entry) for entry in entries]
        finally:
            self._readers[owner] -= 1
            if not self._readers[owner]:
                del self._readers[owner]
                for record in self._late.pop(owner, ()):
                    self.release(record)

    async def pages(self, owner: str, ids: Sequence[str] | None = None) -> AsyncIterator[list[Placed]]:
        """Give all of them by pages, or those with these *ids*; a page is in memory until the next one is asked for."""
        after, is_more = 0, True
        while is_more:
            page = await self.page(owner, after, ids)
            try:
                yield page
            finally:
                self.unpin(placed.record for placed in page)
            is_more = ids is None and len(page) == PAGE
            after = page[-1].seq if page else after

    def _placed(self, owner: str, entry: Entry) -> Placed:
        record = self.get(owner, entry.id) or read(owner, entry)
        self.pin(record)
        return Placed(entry.seq, record, entry)

    # -- writing ------------------------------------------------------------------------------------------------------

    def flush(self, *, is_all: bool = True) -> Deferred[bool]:
        """Write what has changed; fires when that is decided, with whether it happened.

        Unless *is_all*, what has changed since the last pulse and is needed yet has time until the next one: soon
        nobody may need it any more, and one deletion is all that is written.
        """
        touched, self._touched = self._touched, {}
        waited, self._waited = self._waited, set()
        if not touched:
            return succeed(True)
        gone: dict[str, list[str]] = {}
        notes: dict[str, list[tuple[int | str, bytes]]] = {}
        for record in touched:
            if record.is_gone or is_finished(record, self.standing):
                record.is_gone = True
                gone.setdefault(record.owner, []).append(record.id)
            elif is_all or record in waited:
                notes.setdefault(record.owner, []).append((record.id, encode(record)))
            else:
                self._touched[record] = None
        self._waited = set(self._touched)
        if self._touched:
            self._wake()
            touched = {record: None for record in touched if record not in self._touched}
        changes: list[Change] = [DeleteEntries(STORE, owner, ids=ids) for owner, ids in gone.items()]
        changes += [Note(STORE, owner, each) for owner, each in notes.items()]
        return self._storage.commit(*changes).addCallbacks(
            self._flushed, self._not_flushed, (touched,), errbackArgs=(touched,)
        )

    def _flushed(self, _: None, written: Iterable[Record]) -> bool:
        for record in written:
            if record.is_gone:
                self._touched.pop(record, None)
                self.removed(record)
            self.release(record)
        return True

    def _not_flushed(self, failure: Failure, touched: Iterable[Record]) -> bool:
        """It is tried again; at worst a client gets again what it had acknowledged just before the server died."""
        self._log.warn("Changes of inboxes could not be stored: {error}", error=str(failure.value))
        if self._pulse is None:
            self._pulse = self._timers.add(RETRY_S, self._beat)
        for record in touched:
            self.touch(record)
        return False

    @deferred
    async def flushed(self) -> None:
        """The same; `StorageError` where it did not happen."""
        if not await self.flush():
            raise StorageFailed("changes of inboxes could not be stored")

    def _beat(self, now: float, timer: Timer, param: object) -> None:
        self._pulse = None
        self.flush(is_all=False)

    # -- for whom anything waits, and how much ------------------------------------------------------------------------

    @deferred
    async def learn(self) -> None:
        """Read once for whom there is anything; until that is done, each is asked for. Waits; `StorageError`."""
        if not self._is_learning:
            self._is_learning = True
            for owner in await all_owners(self._storage, STORE):
                self._owners.setdefault(owner, 0)
            self._is_learnt = True

    def may_wait(self, owner: str) -> bool:
        """Whether anything may wait for *owner*; answers at once."""
        return not self._is_learnt or owner in self._owners

    def waits(self, owner: str) -> None:
        """Something may wait for *owner* now."""
        self._told += 1
        self._owners[owner] = self._told

    def told(self, owner: str) -> int | None:
        """Give when it was told last that something may wait for *owner*; see `emptied`."""
        return self._owners.get(owner)

    def emptied(self, owner: str, since: int | None) -> None:
        """Nothing waits for *owner*, unless it was told that something may *since*."""
        if self._owners.get(owner) == since:
            self._owners.pop(owner, None)

    def usage(self, owner: str) -> Usage | None:
        """Give how much *owner* has, if it is known."""
        usage = self._usages.get(owner)
        if usage is None and owner not in self._live and not self.may_wait(owner):
            usage = Usage(0, 0, self.now())
            self._usages.keep(owner, usage)
        return usage

    @deferred
    async def count(self, owner: str) -> Usage:
        """Count how much *owner* has. Waits; `StorageError`."""
        messages, size_bytes = await self._storage.measure(STORE, owner, is_fresh=True)
        known = self._usages.get(owner)
        if known is None:  # otherwise another call was quicker, and it has counted on since
            known = Usage(messages, size_bytes, self.now())
            self._usages.keep(owner, known)
        return known

    def is_stale(self, usage: Usage) -> bool:
        """Whether a usage that says "full" should be counted anew."""
        return self.now() - usage.counted_at >= STALE_AFTER_S

    def forget_usage(self, owner: str) -> None:
        """Count anew when it is asked for again."""
        self._usages.pop(owner, None)

    def added(self, record: Record) -> None:
        """A record is stored with a message that is being committed."""
        usage = self._usages.get(record.owner)
        if usage is not None:
            usage.messages += 1
            usage.size_bytes += record.size_bytes

    def removed(self, record: Record) -> None:
        """A record has left the store."""
        usage = self._usages.get(record.owner)
        if usage is not None:
            usage.messages = max(0, usage.messages - 1)
            usage.size_bytes = max(0, usage.size_bytes - record.size_bytes)
