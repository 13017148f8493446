"""A stopped server's storage, opened by xmppctl under its lock: Twisted's reactor runs in a thread beside.

So the rest of xmppctl, which is blocking, waits for it as for anything. One of these can be opened in a process.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import BoundedSemaphore, Thread
from typing import Any, Final, TypeVar

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread
from twisted.logger import globalLogBeginner, textFileLogObserver

from xmppd.storage.interface import MAX_PAGE, Change, Entry, Selection, Storage, StorageError
from xmppd.storage.open import open_storage
from xmppd.storage.pages import all_owners
from xmppd.storage.sqlite.connection import Durability

TRACEBACK_VARIABLE: Final = "XMPPCTL_TRACEBACK"
IN_FLIGHT: Final = 32
"""So many commits are on their way at most: enough for large groups."""
T = TypeVar("T")

reactor: Any = _reactor


class OpenedStorage:
    """A storage that is waited for; see `xmppd.moving.importing.BlockingStore` and `…exporting.ReadingStore`."""

    def __init__(self, url: str, data_dir: Path, durability: Durability):
        """Make it ready; `start` comes behind. Raises `StorageError` where its data cannot be used."""
        self.storage: Storage = open_storage(url, data_dir, reactor, durability)
        self.storage.prepare()
        self._room = BoundedSemaphore(IN_FLIGHT)
        self._fault: StorageError | None = None
        self._thread = Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, daemon=True)

    def start(self) -> None:
        """Start the threads. What is logged is shown where tracebacks are asked for."""
        observers = [textFileLogObserver(sys.stderr)] if TRACEBACK_VARIABLE in os.environ else []
        globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False, discardBuffer=True)
        self._thread.start()
        self.wait(self.storage.start)

    def wait(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function on the reactor's thread, and give what it or its Deferred gives."""
        return blockingCallFromThread(reactor, function, *args)

    def close(self) -> None:
        """Wait until all is on disk."""
        self.wait(self.storage.stop)
        reactor.callFromThread(reactor.stop)
        self._thread.join()

    # -- writing ------------------------------------------------------------------------------------------------------

    def commit(self, changes: Sequence[Change]) -> None:
        """Queue *changes* as one transaction; waits where too much is on its way. `StorageError` of earlier ones."""
        self._room.acquire()
        if self._fault is not None:
            self._room.release()
            raise self._fault
        reactor.callFromThread(self.storage.submit, changes, self._decided)

    def _decided(self, error: StorageError | None) -> None:
        if error is not None and self._fault is None:
            self._fault = error
        self._room.release()

    def settle(self) -> None:
        """Wait until all that was queued is decided; `StorageError`."""
        for _ in range(IN_FLIGHT):
            self._room.acquire()
        for _ in range(IN_FLIGHT):
            self._room.release()
        if self._fault is not None:
            raise self._fault

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, store: str, owner: str, key: str) -> bytes | None:
        """Give a value."""
        found: bytes | None = self.wait(self.storage.get, store, owner, key)
        return found

    def get_all(self, store: str, owner: str) -> dict[str, bytes]:
        """Give all values by key."""
        found: dict[str, bytes] = self.wait(self.storage.get_all, store, owner)
        return found

    def load(self, owner: str, stores: Sequence[str]) -> dict[str, dict[str, bytes]]:
        """Give the values of several stores."""
        found: dict[str, dict[str, bytes]] = self.wait(self.storage.load, owner, stores)
        return found

    def owners(self, store: str) -> list[str]:
        """Give who has anything in *store*."""
        found: list[str] = self.wait(lambda: Deferred.fromCoroutine(all_owners(self.storage, store)))
        return found

    def page(self, store: str, owner: str, after: int, limit: int) -> list[Entry]:
        """Give the next entries behind a place."""
        read = lambda: self.storage.read(store, owner, Selection(after=after), limit=limit)  # noqa: E731
        found: list[Entry] = self.wait(read)
        return found

    def by_ids(self, store: str, owner: str, ids: Sequence[str]) -> list[Entry]:
        """Give the entries with these ids."""
        found: list[Entry] = []
        for begin in range(0, len(ids), MAX_PAGE):
            found += self.wait(self.storage.read_ids, store, owner, ids[begin : begin + MAX_PAGE])
        return found
