"""`SQLiteStorage`: the storage interface over one SQLite file (WAL).

``durability = "power"`` syncs the disk at each group commit; ``"process"`` leaves that to the system, so that
what was committed survives the end of the process by whatever signal, but not a power cut.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.storage.bounds import Backlog, check_limit, check_names, check_selection, weigh
from xmppd.storage.interface import (
    ALL,
    ALL_KEYS,
    MAX_PAGE,
    Change,
    Decided,
    Entry,
    InvalidChange,
    KeyRange,
    Selection,
    StorageError,
    StorageFailed,
    firing,
)
from xmppd.storage.pages import fresh
from xmppd.storage.sqlite import reads
from xmppd.storage.sqlite.connection import Durability, open_reader, open_writer
from xmppd.storage.sqlite.damage import damage_of_logins, is_small
from xmppd.storage.sqlite.direct import DirectReads, NotDirect
from xmppd.storage.sqlite.place import Place
from xmppd.storage.sqlite.schema import MEND, bring_up
from xmppd.storage.sqlite.threads import Commit, Outcome, Readers, Writer
from xmppd.storage.writes import Writes

T = TypeVar("T")

VALUE_READERS = 1
"""For what `xmppd.storage.sqlite.direct` leaves to a thread. A second one costs more, by waiting for the interpreter,
than it helps."""
ARCHIVE_READERS = 2
"""Pages may take long. Nobody's login waits for them, nor one long page for another."""


class SQLiteStorage:
    """See `xmppd.storage.interface.Storage`. Commits and reads made before `start` wait for it."""

    _log = Logger()

    def __init__(self, path: Path, reactor: IReactorFromThreads, durability: Durability = "power") -> None:
        self.path = path
        self._backlog = Backlog()
        self._place = Place(path)
        self._writer = Writer(
            reactor, partial(open_writer, path, durability), self._settle, self._place.check
        )
        self._values = Readers("values", reactor, partial(open_reader, path), VALUE_READERS)
        self._archives = Readers("archives", reactor, partial(open_reader, path), ARCHIVE_READERS)
        self._direct = DirectReads(partial(open_reader, path, busy_timeout_s=0.0))
        self._is_stopped = False

    @property
    def backlog(self) -> int:
        """How many changes wait for their commit."""
        return self._backlog.changes

    @property
    def is_full(self) -> bool:
        """True while producers must pause."""
        return self._backlog.is_full

    @property
    def writes(self) -> Writes:
        """What was committed since the start."""
        return self._writer.writes

    @property
    def fault(self) -> StorageError | None:
        """Why nothing can be written any more; None as long as it can."""
        return self._writer.fault

    def prepare(self) -> None:
        """Create the file or bring it up; waits. Raises `StorageTooNew` or `StorageFailed`."""
        bring_up(self.path)
        self._place.opened()

    def start(self) -> None:
        """Start the threads; after the fork."""
        self._writer.start()
        self._values.start()
        self._direct.start()
        self._archives.start()
        if not is_small(self.path):
            self._archives.run(damage_of_logins).addCallbacks(self._looked_through, self._not_looked_through)

    def _looked_through(self, found: str | None) -> None:
        if found is not None:
            self._log.error(
                "The data file {path} is damaged: {found}; {remedy}",
                path=str(self.path),
                found=found,
                remedy="stop the server and " + MEND.replace("FILE", str(self.path)),
            )

    def _not_looked_through(self, failure: Failure) -> None:
        self._log.warn("The data file could not be looked through: {reason}", reason=str(failure.value))

    def release_memory(self) -> None:
        """Let who reads forget what is kept of the file."""
        self._direct.release_memory()
        self._values.release_memory()
        self._archives.release_memory()

    async def _stop(self) -> None:
        self._direct.stop()
        await self._values.stop()
        await self._archives.stop()
        await self._writer.stop()  # the last to close tidies the file

    def stop(self) -> Deferred[None]:
        """Fires when the queue is written, the reads are answered and the connections are closed.

        Without a `start` before, what is queued fails.
        """
        self._is_stopped = True
        return Deferred.fromCoroutine(self._stop())

    def commit(self, *changes: Change) -> Deferred[None]:
        """Queue *changes* as one transaction; fires when it is durable."""
        done: Deferred[None] = Deferred()
        self.submit(changes, firing(done))
        return done

    def submit(self, changes: Sequence[Change], decided: Decided) -> None:
        """The same without a Deferred."""
        fault = self._writer.fault
        if fault is None and self._is_stopped:
            fault = StorageFailed("the storage is stopped")
        refusal = self._backlog.refusal(fault)
        if refusal is not None:
            decided(refusal)
            return
        try:
            size_bytes = weigh(changes)
        except InvalidChange as error:
            decided(error)
            return
        self._backlog.add(len(changes), size_bytes)
        self._writer.put(Commit(changes, size_bytes, decided))

    def when_roomy(self) -> Deferred[None]:
        """Fires when producers may go on."""
        return self._backlog.when_roomy()

    def get(self, store: str, owner: str, key: str = "", *, is_fresh: bool = False) -> Deferred[bytes | None]:
        """The value of *key*, or None."""
        check_names(store, owner, key)
        if is_fresh:
            return fresh(self, lambda: self._value(reads.get, store, owner, key))
        return self._value(reads.get, store, owner, key)

    def get_all(self, store: str, owner: str) -> Deferred[dict[str, bytes]]:
        """All values by key."""
        check_names(store, owner)
        return self._value(reads.get_all, store, owner)

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
        work = partial(self._value, reads.get_range, store, owner, keys, limit, reverse)
        return fresh(self, work) if is_fresh else work()

    def keys(self, store: str, owner: str) -> Deferred[list[str]]:
        """All keys."""
        check_names(store, owner)
        return self._value(reads.keys, store, owner)

    def load(self, owner: str, stores: Sequence[str]) -> Deferred[dict[str, dict[str, bytes]]]:
        """The values of several stores."""
        check_names(owner, *stores)
        return self._value(reads.load, owner, tuple(stores))

    def owners(self, store: str, *, after: str | None = None, limit: int = MAX_PAGE) -> Deferred[list[str]]:
        """A page of those who have anything in *store*."""
        check_limit(limit)
        check_names(store, after or "")
        return self._archive(reads.owners, store, after, limit)

    def parts(
        self, store: str, owner: str, *, after: str | None = None, limit: int = MAX_PAGE
    ) -> Deferred[list[str]]:
        """A page of the parts of *owner* that have anything in *store*."""
        check_limit(limit)
        check_names(store, owner, after or "")
        return self._archive(reads.parts, store, owner, after, limit)

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
        work = partial(self._archive, reads.read, store, owner, selection, limit, reverse)
        return fresh(self, work) if is_fresh else work()

    def read_ids(
        self, store: str, owner: str, ids: Sequence[str], *, is_fresh: bool = False
    ) -> Deferred[list[Entry]]:
        """The entries with these ids that are there."""
        check_limit(max(1, len(ids)))
        check_names(store, owner, *ids)
        work = partial(self._archive, reads.read_ids, store, owner, tuple(ids))
        return fresh(self, work) if is_fresh else work()

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
        work = partial(self._archive, reads.count, store, owner, selection, limit)
        return fresh(self, work) if is_fresh else work()

    def measure(self, store: str, owner: str, *, is_fresh: bool = False) -> Deferred[tuple[int, int]]:
        """How many entries there are, and the size of their stanzas."""
        check_names(store, owner)
        work = partial(self._archive, reads.measure, store, owner)
        return fresh(self, work) if is_fresh else work()

    def _value(self, work: Callable[..., T], *arguments: object) -> Deferred[T]:
        try:
            return succeed(self._direct.read(work, *arguments))
        except NotDirect:
            return self._read(self._values, work, *arguments)

    def _archive(self, work: Callable[..., T], *arguments: object) -> Deferred[T]:
        return self._read(self._archives, work, *arguments)

    def _read(self, readers: Readers, work: Callable[..., T], *arguments: object) -> Deferred[T]:
        if self._is_stopped:
            return fail(StorageFailed("the storage is stopped"))
        return readers.run(work, *arguments)

    def _settle(self, outcomes: list[Outcome]) -> None:
        for (changes, size_bytes, decided), error in outcomes:
            self._backlog.remove(len(changes), size_bytes)
            try:
                decided(error)
            except Exception:  # noqa: BLE001 - a bug of one caller must not keep the others waiting
                self._log.failure("What follows a commit has failed")
