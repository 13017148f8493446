"""`MemoryStorage`: the storage interface without a disk, for tests and for servers that may forget.

What a disk does to its callers it does on request: with a clock and a delay commits take effect later, and reads are
answered later with what was there when they were asked; `failing` and `failing_reads` make them fail; `killed` is what
a server finds that is started after SIGKILL.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from xmppd.storage.bounds import Backlog, check_limit, check_names, check_selection, weigh
from xmppd.storage.interface import (
    ALL,
    ALL_KEYS,
    MAX_PAGE,
    PART,
    Change,
    Decided,
    Entry,
    InvalidChange,
    KeyRange,
    Selection,
    StorageError,
    StorageFailed,
    by_store,
    firing,
)
from xmppd.storage.pages import fresh
from xmppd.storage.tables import Tables
from xmppd.storage.writes import Writes

T = TypeVar("T")


class _Waiting(NamedTuple):
    changes: Sequence[Change]
    size_bytes: int
    decided: Decided


class _Answer(NamedTuple):
    outcome: object
    """What was read, or a Failure: no Deferred, which would complain when a storage is dropped as by a crash."""
    call: IDelayedCall


class MemoryStorage:
    """See `xmppd.storage.interface.Storage`. Without a delay all Deferreds come back fired.

    For tests: while `failing` is set, commits fail with it, and reads with `failing_reads`; `commit_delay_s` and
    `read_delay_s` may be changed at any time, and need `clock`.
    """

    def __init__(
        self,
        clock: IReactorTime | None = None,
        commit_delay_s: float = 0.0,
        read_delay_s: float = 0.0,
        tables: Tables | None = None,
    ) -> None:
        """*tables* is what is there at the beginning."""
        if (commit_delay_s or read_delay_s) and clock is None:
            raise ValueError("a delay needs a clock")
        self.failing: StorageError | None = None
        self.failing_reads: StorageError | None = None
        self.clock = clock
        self.commit_delay_s = commit_delay_s
        self.read_delay_s = read_delay_s
        self._backlog = Backlog()
        self._tables = Tables() if tables is None else tables
        self._waiting: deque[_Waiting] = deque()
        self._timers: deque[IDelayedCall] = deque()
        self._answers: dict[Deferred[Any], _Answer] = {}
        self._is_stopped = False
        self.writes = Writes()

    @property
    def backlog(self) -> int:
        """How many changes wait for their commit."""
        return self._backlog.changes

    @property
    def waiting_commits(self) -> int:
        """How many commits wait, be they empty."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """True while producers must pause."""
        return self._backlog.is_full

    @property
    def fault(self) -> StorageError | None:
        """Why nothing can be written any more: what a test has set, or the end."""
        return StorageFailed("the storage is stopped") if self._is_stopped else self.failing

    def killed(self) -> "MemoryStorage":
        """Another storage with what is committed by now and nothing else, as after SIGKILL; without delays."""
        return MemoryStorage(tables=self._tables.copy())

    def prepare(self) -> None:
        """Nothing has to be prepared."""

    def start(self) -> None:
        """Nothing has to be started."""

    def release_memory(self) -> None:
        """Everything is memory here."""

    def stop(self) -> Deferred[None]:
        """Decides delayed commits and answers delayed reads at once."""
        self._is_stopped = True
        while self._timers:
            timer = self._timers.popleft()
            if timer.active():  # those that were quicker than earlier ones have fired
                timer.cancel()
        while self._waiting:
            self._decide()
        for done, (_, call) in list(self._answers.items()):
            call.cancel()
            self._hand(done)
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
        if self.clock is None or not (self.commit_delay_s or self._timers):
            self._decide()
        else:
            self._timers.append(self.clock.callLater(self.commit_delay_s, self._tick))

    def when_roomy(self) -> Deferred[None]:
        """Fires when producers may go on."""
        return self._backlog.when_roomy()

    def get(self, store: str, owner: str, key: str = "", *, is_fresh: bool = False) -> Deferred[bytes | None]:
        """The value of *key*, or None."""
        check_names(store, owner, key)
        return self._read(lambda: self._tables.values(store, owner).get(key), is_fresh)

    def get_all(self, store: str, owner: str) -> Deferred[dict[str, bytes]]:
        """All values by key."""
        check_names(store, owner)
        return self._read(lambda: dict(sorted(self._tables.values(store, owner).items())))

    def get_range(
        self,
        store: str,
        owner: str,
        keys: KeyRange = ALL_KEYS,
        *,
        limit: int = 50,
        reverse: bool = False,
        is_fresh: bool = False,
    ) -> Deferred[dict[str, bytes]]:
        """A page of values by key."""
        check_limit(limit)
        check_names(store, owner, *filter(None, keys))
        return self._read(
            lambda: dict(islice(self._tables.range(store, owner, keys, reverse), limit)), is_fresh
        )

    def keys(self, store: str, owner: str) -> Deferred[list[str]]:
        """All keys."""
        check_names(store, owner)
        return self._read(lambda: sorted(self._tables.values(store, owner)))

    def load(self, owner: str, stores: Sequence[str]) -> Deferred[dict[str, dict[str, bytes]]]:
        """The values of several stores."""
        check_names(owner, *stores)
        return self._read(
            lambda: by_store(
                stores, {store: dict(sorted(self._tables.values(store, owner).items())) for store in stores}
            )
        )

    def owners(self, store: str, *, after: str | None = None, limit: int = MAX_PAGE) -> Deferred[list[str]]:
        """A page of those who have anything in *store*."""
        check_limit(limit)
        check_names(store, after or "")
        return self._read(
            lambda: _page([one for one in self._tables.owners(store) if PART not in one], after, limit)
        )

    def parts(
        self, store: str, owner: str, *, after: str | None = None, limit: int = MAX_PAGE
    ) -> Deferred[list[str]]:
        """A page of the parts of *owner* that have anything in *store*."""
        check_limit(limit)
        check_names(store, owner, after or "")
        first = owner + PART
        return self._read(
            lambda: _page(
                [one.removeprefix(first) for one in self._tables.owners(store) if one.startswith(first)],
                after,
                limit,
            )
        )

    def read(
        self,
        store: str,
        owner: str,
        selection: Selection = ALL,
        *,
        limit: int = 50,
        reverse: bool = False,
        is_fresh: bool = False,
    ) -> Deferred[list[Entry]]:
        """A page of an archive."""
        check_limit(limit)
        check_names(store, owner)
        check_selection(selection)
        return self._read(
            lambda: list(islice(self._tables.select(store, owner, selection, reverse), limit)), is_fresh
        )

    def read_ids(
        self, store: str, owner: str, ids: Sequence[str], *, is_fresh: bool = False
    ) -> Deferred[list[Entry]]:
        """The entries with these ids that are there."""
        check_limit(max(1, len(ids)))
        check_names(store, owner, *ids)
        return self._read(lambda: self._tables.entries(store, owner, ids), is_fresh)

    def count(
        self,
        store: str,
        owner: str,
        selection: Selection = ALL,
        *,
        limit: int | None = None,
        is_fresh: bool = False,
    ) -> Deferred[int]:
        """How many entries there are."""
        check_names(store, owner)
        check_selection(selection)
        return self._read(
            lambda: sum(1 for _ in islice(self._tables.select(store, owner, selection, False), limit)),
            is_fresh,
        )

    def measure(self, store: str, owner: str, *, is_fresh: bool = False) -> Deferred[tuple[int, int]]:
        """How many entries there are, and the size of their stanzas."""
        check_names(store, owner)

        def sizes() -> list[int]:
            return [len(entry.stanza) for entry in self._tables.select(store, owner, ALL, False)]

        return self._read(lambda: (len(sizes()), sum(sizes())), is_fresh)

    def _read(self, work: Callable[[], T], is_fresh: bool = False) -> Deferred[T]:
        return fresh(self, partial(self._answer, work)) if is_fresh else self._answer(work)

    def _answer(self, work: Callable[[], T]) -> Deferred[T]:
        """What is there now, after the delay."""
        outcome = self._outcome(work)
        if self.clock is None or not self.read_delay_s:
            return outcome
        found: list[object] = []
        outcome.addBoth(found.append)
        done: Deferred[T] = Deferred()
        self._answers[done] = _Answer(found[0], self.clock.callLater(self.read_delay_s, self._hand, done))
        return done

    def _outcome(self, work: Callable[[], T]) -> Deferred[T]:
        if self.failing_reads is not None:
            return fail(self.failing_reads)
        try:
            return succeed(work())
        except StorageError as error:
            return fail(error)

    def _hand(self, done: Deferred[Any]) -> None:
        done.callback(self._answers.pop(done).outcome)

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
        if error is None:
            self.writes.group(0.0, len(changes), 1)
        else:
            self.writes.failures += 1
        decided(error)


def _page(names: Sequence[str], after: str | None, limit: int) -> list[str]:
    return sorted(name for name in names if after is None or name > after)[:limit]
