"""SQLite for a server in memory: its threads are waited for, so that all answers are there at once."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads

from xmppd.storage.interface import Change, Decided, StorageError
from xmppd.storage.sqlite.connection import open_writer
from xmppd.storage.sqlite.store import SQLiteStorage

PATIENCE_S = 30.0
TABLES = {"values": ("kv",), "entries": ("box", "fresh", "entry", "dead_box")}
"""By what is in them."""


class _Calls:
    """What the threads have called, for who waits for them."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]] = SimpleQueue()

    def callFromThread(self, call: Callable[..., Any], *args: Any) -> None:
        """Have it called by who waits."""
        self._queue.put((call, args))

    def until(self, is_over: Callable[[], object]) -> None:
        """Do what the threads ask for until it is over."""
        while not is_over():
            call, args = self._queue.get(timeout=PATIENCE_S)
            call(*args)


class InStep(SQLiteStorage):
    """A file whose commits and reads are over when the call of a method is."""

    def __init__(self, path: Path) -> None:
        self._calls = _Calls()
        super().__init__(path, cast(IReactorFromThreads, self._calls), "process")
        self.prepare()
        self.start()

    def close(self) -> None:
        """Stop the threads."""
        stopped = self.stop()
        self._calls.until(lambda: stopped.called)

    def submit(self, changes: Sequence[Change], decided: Decided) -> None:
        """Decide before it returns."""
        outcomes: list[StorageError | None] = []
        super().submit(changes, outcomes.append)
        self._calls.until(lambda: outcomes)
        decided(outcomes[0])

    def _value(self, *args: Any, **options: Any) -> Deferred[Any]:
        return self._there(super()._value(*args, **options))

    def _archive(self, *args: Any, **options: Any) -> Deferred[Any]:
        return self._there(super()._archive(*args, **options))

    def _there(self, answer: Deferred[Any]) -> Deferred[Any]:
        self._calls.until(lambda: answer.called)
        return answer

    def refuse(self, what: str) -> None:
        """Let every change of some `TABLES` fail in the middle of its transaction, until `allow`."""
        connection = open_writer(self.path, "process")
        for table, act in product(TABLES[what], ("INSERT", "UPDATE", "DELETE")):
            body = "SELECT RAISE(ABORT, 'the disk is gone');"
            connection.execute(
                f"CREATE TRIGGER refuse_{table}_{act} BEFORE {act} ON {table} BEGIN {body} END"
            )
        connection.close()

    def allow(self) -> None:
        """Let changes be made again."""
        connection = open_writer(self.path, "process")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.close()
