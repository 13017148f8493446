"""A storage in memory for who waits for it, and imports and exports with it."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred

from xmppd.moving.exporting import StoredSource
from xmppd.moving.importing import Importer, Wanted
from xmppd.moving.model import Piece
from xmppd.moving.pie.writing import write
from xmppd.moving.report import Report
from xmppd.moving.source import Source
from xmppd.storage.interface import Change, Entry, Selection
from xmppd.storage.memory import MemoryStorage
from xmppd.storage.pages import all_owners
from xmppd.testing.server import now

NOW = 1_790_000_000.0


class MemoryStore:
    """See `xmppd.moving.importing.BlockingStore` and `xmppd.moving.exporting.ReadingStore`."""

    def __init__(self, storage: MemoryStorage | None = None):
        self.storage = storage or MemoryStorage()
        self.commits = 0
        self.kill_after: int | None = None
        """After so many commits nothing happens any more."""

    def get(self, store: str, owner: str, key: str) -> bytes | None:
        """Give a value."""
        found: bytes | None = now(self.storage.get(store, owner, key))
        return found

    def commit(self, changes: Sequence[Change]) -> None:
        """Make *changes* at once."""
        if self.kill_after is not None and self.commits >= self.kill_after:
            raise KilledError
        self.commits += 1
        now(self.storage.commit(*changes))

    def settle(self) -> None:
        """Nothing waits."""

    def get_all(self, store: str, owner: str) -> dict[str, bytes]:
        """Give all values."""
        found: dict[str, bytes] = now(self.storage.get_all(store, owner))
        return found

    def load(self, owner: str, stores: Sequence[str]) -> dict[str, dict[str, bytes]]:
        """Give the values of several stores."""
        found: dict[str, dict[str, bytes]] = now(self.storage.load(owner, stores))
        return found

    def owners(self, store: str) -> list[str]:
        """Give all owners."""
        found: list[str] = now(Deferred.fromCoroutine(all_owners(self.storage, store)))
        return found

    def page(self, store: str, owner: str, after: int, limit: int) -> list[Entry]:
        """Give a page."""
        found: list[Entry] = now(self.storage.read(store, owner, Selection(after=after), limit=limit))
        return found

    def by_ids(self, store: str, owner: str, ids: Sequence[str]) -> list[Entry]:
        """Give entries."""
        found: list[Entry] = now(self.storage.read_ids(store, owner, ids))
        return found


class KilledError(Exception):
    """The process has ended here."""


class AtOnce(Executor):
    """Does what it is asked when it is asked."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call it."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except ValueError as error:
            future.set_exception(error)
        return future


class Given:
    """A source of the pieces that a test gives."""

    total = done = 0

    def __init__(self, pieces: Iterable[Piece]):
        self._pieces = pieces

    def pieces(self) -> Iterator[Piece]:
        """Give them."""
        return iter(self._pieces)


def numbered() -> Any:
    """Give what gives other texts each time, always the same ones."""
    count = iter(range(1_000_000))
    return lambda size: f"random-{next(count)}"


def take(
    source: Source, store: MemoryStore, *hosts: str, services: Sequence[str] = (), **wanted: Any
) -> Report:
    """Import what *source* has."""
    importer = Importer(
        store,
        Wanted(hosts, services, **{"hash_names": ("SHA-1",), **wanted}),
        AtOnce(),
        lambda: NOW,
        numbered(),
    )
    return importer.run(source)


def exported(store: MemoryStore) -> bytes:
    """Give all of it as XEP-0227."""
    file = BytesIO()
    write(StoredSource(store).pieces(), file)
    return file.getvalue()
