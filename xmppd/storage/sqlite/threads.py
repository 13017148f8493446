"""The threads: one that writes in groups, a few that read. Answers go to the reactor by `callFromThread`.

A thread hands every exception to the caller whose work raised it, whatever it is, and goes on.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.storage.interface import Change, Decided, StorageError, StorageFailed
from xmppd.storage.sqlite.boxes import Boxes
from xmppd.storage.sqlite.connection import as_storage_error
from xmppd.storage.sqlite.transaction import Transaction
from xmppd.storage.writes import Writes

T = TypeVar("T")

GROUP_ROWS = 500
"""The most changes of one group, unless a single commit has more."""

SWEEP_ROWS = 500
"""So many rows of dropped boxes are deleted at a time, when nothing else is to be done."""

MERGE_ROWS = 2_000
"""So many fresh entries are moved at a time.

It takes some 10 ms, in which commits wait and the reactor does not.
"""

Connect = Callable[[], sqlite3.Connection]


class Commit(NamedTuple):
    """One caller's changes on their way through the writer."""

    changes: Sequence[Change]
    size_bytes: int
    decided: Decided


Outcome = tuple[Commit, StorageError | None]
Settle = Callable[[list[Outcome]], None]


class Writer:
    """Commits what `put` queued: as soon as one group is durable, all that came meanwhile is the next one.

    *settle* gets the outcomes of a group on the reactor's thread, in the order of the calls of `put`. `fault`
    is set there once the thread has ended; from then on nothing may be put.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: IReactorFromThreads,
        connect: Connect,
        settle: Settle,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """*check* is called in the thread before each group; what it raises is the outcome of the group."""
        self.fault: StorageError | None = None
        self.writes = Writes()
        self._reactor = reactor
        self._connect = connect
        self._settle = settle
        self._check = check
        self._queue: SimpleQueue[Commit | None] = SimpleQueue()
        self._unsettled: list[Commit] = []
        self._held: list[Commit] = []
        self._is_started = False
        self._ended: Deferred[None] = Deferred()

    def put(self, commit: Commit) -> None:
        """Queue *commit*; waits for nothing."""
        self._queue.put(commit)

    def start(self) -> None:
        """Start the thread."""
        self._is_started = True
        Thread(target=self._run, name="storage writer", daemon=True).start()

    def stop(self) -> Deferred[None]:
        """Fires when all that was put before is decided and the connection is closed."""
        if self._is_started:
            self._queue.put(None)
        elif self.fault is None:
            self._end(None)
        return self._ended

    def _run(self) -> None:
        failure: Failure | None = None
        try:
            connection = self._connect()
            boxes = Boxes(connection)
            while group := self._next_group(connection, boxes):
                self._unsettled = group
                self._reactor.callFromThread(self._settle, self._write(connection, boxes, group))
                self._unsettled = []
                del group  # until the next one comes it would hold what is committed
                if boxes.fresh_rows >= MERGE_ROWS:
                    self._tidy(connection, boxes, boxes.merge)
            connection.close()
        except Exception:  # noqa: BLE001 - see the module's docstring
            failure = Failure()
        self._reactor.callFromThread(self._end, failure)

    def _end(self, failure: Failure | None) -> None:
        """On the reactor's thread: what is not written by now will not be."""
        if failure is None:
            self.fault = StorageFailed("the storage is stopped")
        else:
            self._log.failure("The storage has broken down", failure)
            self.fault = StorageFailed(f"the storage has broken down: {failure.value}")
        late = self._unsettled + self._held
        while not self._queue.empty():
            commit = self._queue.get()
            if commit is not None:
                late.append(commit)
        self._settle([(commit, self.fault) for commit in late])
        self._ended.callback(None)

    def _next_group(self, connection: sqlite3.Connection, boxes: Boxes) -> list[Commit]:
        """What is to be written together; sweeps, then waits, while there is nothing. Empty at the end."""
        group, self._held = self._held or self._first(connection, boxes), []
        rows = sum(len(commit.changes) for commit in group)
        while group and rows < GROUP_ROWS:
            try:
                commit = self._queue.get_nowait()
            except Empty:
                break
            if commit is None:
                self._queue.put(None)
                break
            rows += max(1, len(commit.changes))
            if rows > GROUP_ROWS:
                self._held = [commit]
                break
            group.append(commit)
        return group

    def _first(self, connection: sqlite3.Connection, boxes: Boxes) -> list[Commit]:
        while boxes.has_dropped:
            try:
                commit = self._queue.get_nowait()
            except Empty:
                self._tidy(connection, boxes, partial(boxes.sweep, SWEEP_ROWS))
            else:
                return [commit] if commit is not None else []
        commit = self._queue.get()
        return [commit] if commit is not None else []

    def _tidy(self, connection: sqlite3.Connection, boxes: Boxes, work: Callable[[], None]) -> None:
        """Do what can as well be done later, should it fail.

        It is tried again when more has come together.
        """
        try:
            work()
        except sqlite3.Error:
            self._roll_back(connection, boxes)
            boxes.has_dropped = False

    def _write(self, connection: sqlite3.Connection, boxes: Boxes, group: list[Commit]) -> list[Outcome]:
        """Commit *group* in one transaction; if that fails, each member in one of its own."""
        try:
            self._transact(connection, boxes, group)
        except Exception as error:  # noqa: BLE001 - see the module's docstring
            self._roll_back(connection, boxes)
            if len(group) == 1:
                self.writes.failures += 1
                return [(group[0], as_storage_error(error))]
            return [outcome for commit in group for outcome in self._write(connection, boxes, [commit])]
        return [(commit, None) for commit in group]

    def _transact(self, connection: sqlite3.Connection, boxes: Boxes, group: list[Commit]) -> None:
        if not any(commit.changes for commit in group):
            return
        began = perf_counter()
        self._check()
        connection.execute("BEGIN IMMEDIATE")
        transaction = Transaction(connection, boxes)
        for commit in group:
            transaction.apply(commit.changes)
        transaction.flush()
        connection.execute("COMMIT")
        boxes.trim()
        rows = sum(len(commit.changes) for commit in group)
        self.writes.group(perf_counter() - began, rows, len(group))

    def _roll_back(self, connection: sqlite3.Connection, boxes: Boxes) -> None:
        boxes.forget()
        if connection.in_transaction:
            connection.execute("ROLLBACK")


class _Job(NamedTuple):
    work: Callable[..., object]
    arguments: tuple[object, ...]
    done: Deferred[Any]


class _Rest:
    """In place of a job: the thread that takes it closes its connection, and opens another for the next job."""


class Readers:
    """Threads that each call what `run` queued, with a connection of their own."""

    def __init__(self, what: str, reactor: IReactorFromThreads, connect: Connect, threads: int) -> None:
        """*what* they read is part of the threads' names."""
        self._what = what
        self._reactor = reactor
        self._connect = connect
        self._threads = threads
        self._running = 0
        self._queue: SimpleQueue[_Job | _Rest | None] = SimpleQueue()
        self._ended: Deferred[None] = Deferred()

    def run(self, work: Callable[..., T], *arguments: object) -> Deferred[T]:
        """The result of ``work(connection, *arguments)``."""
        done: Deferred[T] = Deferred()
        self._queue.put(_Job(work, arguments, done))
        return done

    def release_memory(self) -> None:
        """Let threads that have nothing to do forget what they read; a busy one may be passed over."""
        for _ in range(self._running):
            self._queue.put(_Rest())

    def start(self) -> None:
        """Start the threads."""
        self._running = self._threads
        for number in range(self._threads):
            Thread(target=self._run, name=f"storage reader, {self._what} {number}", daemon=True).start()

    def stop(self) -> Deferred[None]:
        """Fires when all that was queued before is answered and the connections are closed."""
        for _ in range(self._running):
            self._queue.put(None)
        if not self._running and not self._ended.called:
            self._end()
        return self._ended

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while (job := self._queue.get()) is not None:
            connection = self._answer(connection, job)
            del job  # until the next one comes it would hold who asked
        self._answer(connection, _Rest())
        self._reactor.callFromThread(self._one_ended)

    def _answer(self, connection: sqlite3.Connection | None, job: _Job | _Rest) -> sqlite3.Connection | None:
        """Give the connection that the next one may use."""
        if isinstance(job, _Rest):
            if connection is not None:
                connection.close()
            return None
        if job.done.called:
            return connection
        try:
            connection = connection or self._connect()
            result = job.work(connection, *job.arguments)
        except Exception as error:  # noqa: BLE001 - see the module's docstring
            ours = error if isinstance(error, StorageError) else StorageFailed(f"the storage failed: {error}")
            ours.__cause__ = error if ours is not error else error.__cause__
            self._reactor.callFromThread(job.done.errback, Failure(ours))
        else:
            self._reactor.callFromThread(job.done.callback, result)
        return connection

    def _one_ended(self) -> None:
        self._running -= 1
        if not self._running:
            self._end()

    def _end(self) -> None:
        """Nothing that is still queued will be answered by a thread."""
        while not self._queue.empty():
            job = self._queue.get()
            if isinstance(job, _Job):
                job.done.errback(StorageFailed("the storage is stopped"))
        self._ended.callback(None)
