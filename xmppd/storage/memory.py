"""`MemoryStorage`: the storage interface without a disk, for tests and for servers that may forget.

With a clock and a delay commits take effect later, as they do on a disk; `failing` makes them fail.
"""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from xmppd.storage.bounds import Backlog, check_limit, weigh
from xmppd.storage.interface import (
    Change,
    Decided,
    Entry,
    InvalidChange,
    Selection,
    StorageError,
    StorageFailed,
    UnknownEntry,
    by_store,
    firing,
)
from xmppd.storage.tables import Tables


class _Waiting(NamedTuple):
    changes: Sequence[Change]
    size_bytes: int
    decided: Decided


class MemoryStorage:
    """See `xmppd.storage.interface.Storage`. Without a delay all Deferreds come back fired.

    While `failing` is set, commits fail with it. *clock* is needed for a delay only.
    """

    def __init__(self, clock: IReactorTime | None = None, commit_delay_s: float = 0.0) -> None:
        if commit_delay_s and clock is None:
            raise ValueError("a delay needs a clock")
        self.failing: StorageError | None = None
        self._clock = clock
        self._commit_delay_s = commit_delay_s
        self._backlog = Backlog()
        self._tables = Tables()
        self._waiting: deque[_Waiting] = deque()
        self._timers: deque[IDelayedCall] = deque()
        self._is_stopped = False

    @property
    def backlog(self) -> int:
        """How many changes wait for their commit."""
        return self._backlog.changes

    @property
    def is_full(self) -> bool:
        """True while producers must pause."""
        return self._backlog.is_full

    def prepare(self) -> None:
        """Nothing has to be prepared."""

    def start(self) -> None:
        """Nothing has to be started."""

    def release_memory(self) -> None:
        """Everything is memory here."""

    def stop(self) -> Deferred[None]:
        """Decides delayed commits at once."""
        self._is_stopped = True
        while self._timers:
            self._timers.popleft().cancel()
        while self._waiting:
            self._decide()
        return succeed(None)

    def commit(self, *changes: Change) -> Deferred[None]:
        """Make all *changes*, or none; at once unless there is a delay."""
        done: Deferred[None] = Deferred()
        self.submit(changes, firing(done))
        return done

    def submit(self, changes: Sequence[Change], decided: Decided) -> None:
        """The same without a Deferred."""
        refusal = self._backlog.refusal(StorageFailed("the storage is stopped") if self._is_stopped else None)
        if refusal is not None:
            decided(refusal)
            return
        try:
            size_bytes = weigh(changes)
        except InvalidChange as error:
            decided(error)
            return
        self._backlog.add(len(changes), size_bytes)
        self._waiting.append(_Waiting(changes, size_bytes, decided))
        if self._clock is None or not self._commit_delay_s:
            self._decide()
        else:
            self._timers.append(self._clock.callLater(self._commit_delay_s, self._tick))

    def when_roomy(self) -> Deferred[None]:
        """Fires when producers may go on."""
        return self._backlog.when_roomy()

    def get(self, store: str, owner: str, key: str = "") -> Deferred[bytes | None]:
        """The value of *key*, or None."""
        return succeed(self._tables.values(store, owner).get(key))

    def get_all(self, store: str, owner: str) -> Deferred[dict[str, bytes]]:
        """All values by key."""
        return succeed(dict(sorted(self._tables.values(store, owner).items())))

    def keys(self, store: str, owner: str) -> Deferred[list[str]]:
        """All keys."""
        return succeed(sorted(self._tables.values(store, owner)))

    def load(self, owner: str, stores: Sequence[str]) -> Deferred[dict[str, dict[str, bytes]]]:
        """The values of several stores."""
        found = {store: dict(sorted(self._tables.values(store, owner).items())) for store in stores}
        return succeed(by_store(stores, found))

    def owners(self, store: str) -> Deferred[list[str]]:
        """Who has anything in *store*."""
        return succeed(sorted(self._tables.owners(store)))

    def read(
        self,
        store: str,
        owner: str,
        *,
        after: int = 0,
        before: int | None = None,
        after_id: str | None = None,
        before_id: str | None = None,
        with_jid: str | None = None,
        with_resource: str | None = None,
        start: float | None = None,
        end: float | None = None,
        limit: int = 50,
        reverse: bool = False,
    ) -> Deferred[list[Entry]]:
        """A page of an archive."""
        check_limit(limit)
        selection = Selection(after, before, after_id, before_id, with_jid, with_resource, start, end)
        try:
            return succeed(list(islice(self._tables.select(store, owner, selection, reverse), limit)))
        except UnknownEntry as error:
            return fail(error)

    def read_ids(self, store: str, owner: str, ids: Sequence[str]) -> Deferred[list[Entry]]:
        """The entries with these ids."""
        check_limit(max(1, len(ids)))
        try:
            return succeed(sorted({self._tables.entry(store, owner, entry_id) for entry_id in ids}))
        except UnknownEntry as error:
            return fail(error)

    def count(
        self,
        store: str,
        owner: str,
        *,
        after: int = 0,
        with_jid: str | None = None,
        with_resource: str | None = None,
        start: float | None = None,
        end: float | None = None,
        limit: int | None = None,
    ) -> Deferred[int]:
        """How many entries there are."""
        selection = Selection(after, None, None, None, with_jid, with_resource, start, end)
        return succeed(sum(1 for _ in islice(self._tables.select(store, owner, selection, False), limit)))

    def _tick(self) -> None:
        self._timers.popleft()
        self._decide()

    def _decide(self) -> None:
        """Make the oldest waiting commit, and tell its caller."""
        changes, size_bytes, decided = self._waiting.popleft()
        error = self.failing
        if error is None:
            try:
                self._tables.make(changes)
            except InvalidChange as invalid:
                error = invalid
        self._backlog.remove(len(changes), size_bytes)
        decided(error)
