"""Reads on the reactor's thread: which are, and which are left to the threads."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import sleep
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.storage.contract_base import ALICE
from tests.storage.sqlite_storage import new_storage
from xmppd.storage.interface import Put, StorageFailed
from xmppd.storage.sqlite import direct as direct_module
from xmppd.storage.sqlite.direct import (
    REST_S,
    SHARE_S,
    SLOW_S,
    SPAN_S,
    STEPS,
    DirectReads,
    NotDirect,
    waits_of_this_thread,
)

WAITS = 50


def count_to(connection: sqlite3.Connection, number: int) -> int:
    """A read that takes some steps for each number."""
    query = (
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?) SELECT max(n) FROM n"
    )
    result: int = connection.execute(query, (number,)).fetchone()[0]
    return result


class DirectReadsTests(SynchronousTestCase):
    """`DirectReads`, with a clock that goes on by what a read says it takes."""

    def setUp(self) -> None:
        """Reads may be direct."""
        self.now = 100.0
        self.waits = 0
        self.connections: list[sqlite3.Connection] = []
        self.reads = DirectReads(self.connect, lambda: self.now, lambda: self.waits)
        self.reads.start()
        self.addCleanup(self.reads.stop)

    def connect(self) -> sqlite3.Connection:
        """A database in memory."""
        self.connections.append(sqlite3.connect(":memory:", isolation_level=None))
        return self.connections[-1]

    def taking(self, seconds: float, waits: int = 0) -> Callable[[sqlite3.Connection], str]:
        """A read that takes so long, in which the thread waits so often."""

        def work(connection: sqlite3.Connection) -> str:
            self.now += seconds
            self.waits += waits
            return "read"

        return work

    def is_direct(self) -> bool:
        """Whether a read that takes no time is done at once."""
        try:
            return self.reads.read(self.taking(0.0)) == "read"
        except NotDirect:
            return False

    def test_one_connection_from_start_to_stop(self) -> None:
        """It is opened by the first read, used by all, and closed by `stop`; before and after no read is direct."""
        reads = DirectReads(self.connect, lambda: self.now)
        for _ in range(2):
            self.assertRaises(NotDirect, reads.read, count_to, 1)
            self.assertEqual(self.connections, [])
        reads.start()
        self.assertEqual([reads.read(count_to, number) for number in (1, 2)], [1, 2])
        self.assertEqual(len(self.connections), 1)
        reads.stop()
        self.assertRaises(NotDirect, reads.read, count_to, 1)
        self.assertRaises(sqlite3.ProgrammingError, self.connections[0].execute, "SELECT 1")

    def test_after_a_rest_there_is_another_connection(self) -> None:
        """What the first one kept of the file is let go of; to rest twice, or before any read, is as good."""
        self.reads.release_memory()
        for number in (1, 2):
            self.assertEqual(self.reads.read(count_to, number), number)
            self.reads.release_memory()
            self.reads.release_memory()
        self.assertEqual(len(self.connections), 2)
        for connection in self.connections:
            self.assertRaises(sqlite3.ProgrammingError, connection.execute, "SELECT 1")

    def test_a_long_statement_is_broken_off(self) -> None:
        """However many short ones there were before; the next one is direct again."""
        for _ in range(200):
            self.assertEqual(self.reads.read(count_to, 10), 10)
        self.assertRaises(NotDirect, self.reads.read, count_to, 10 * STEPS)
        self.assertEqual(self.reads.read(count_to, 10), 10)

    def test_an_error_is_left_to_the_threads(self) -> None:
        """The thread meets it again, and tells who asked."""
        self.assertRaises(
            NotDirect, self.reads.read, lambda connection: connection.execute("SELECT * FROM nothing")
        )
        self.assertTrue(self.is_direct())

    def test_after_a_slow_read_the_threads_read(self) -> None:
        """It is the last for a while that the reactor waits for a slow disk."""
        self.reads.read(self.taking(SLOW_S * 2, waits=1))
        self.now += REST_S / 2
        self.assertFalse(self.is_direct())
        self.now += REST_S / 2
        self.assertTrue(self.is_direct())

    def test_a_read_that_only_lacked_the_processor_was_not_slow(self) -> None:
        """Another program had it meanwhile: the disk is as quick as it was, and the next span is direct again."""
        self.reads.read(self.taking(SLOW_S * 2))
        self.now += SPAN_S
        self.assertTrue(self.is_direct())
        self.reads.read(self.taking(0.0, waits=1))
        self.now += SPAN_S
        self.reads.read(self.taking(SLOW_S * 2))
        self.now += SPAN_S
        self.assertTrue(self.is_direct())

    def test_waits_are_counted_by_thread(self) -> None:
        """What this one has waited for counts here; another one, which has just begun, has not waited so often."""
        before = waits_of_this_thread()
        for _ in range(WAITS):
            sleep(0.0001)
        self.assertGreaterEqual(waits_of_this_thread(), before + WAITS)
        with ThreadPoolExecutor(1) as other:
            self.assertLess(other.submit(waits_of_this_thread).result(), WAITS)

    def test_an_error_may_be_slow(self) -> None:
        """A read that failed after a long time was no better than one that succeeded then."""

        def fail(connection: sqlite3.Connection) -> None:
            self.now += SLOW_S * 2
            self.waits += 1
            raise sqlite3.OperationalError("disk I/O error")

        self.assertRaises(NotDirect, self.reads.read, fail)
        self.now += SPAN_S
        self.assertFalse(self.is_direct())

    def test_reads_have_their_share(self) -> None:
        """Many reads one after another do not hold the reactor: others have the rest of each span."""
        for _ in range(3):
            self.reads.read(self.taking(SHARE_S * 0.4))
        self.assertFalse(self.is_direct())
        self.now += SPAN_S
        self.assertTrue(self.is_direct())


class StorageTests(TestCase):
    """How `SQLiteStorage` uses them."""

    async def test_small_values_are_there_at_once(self) -> None:
        """Where a commit's Deferred has fired, the next read sees it without waiting."""
        storage = new_storage(self)
        await storage.commit(Put("s", ALICE, "k", b"v"))
        reads: tuple[Deferred[Any], ...] = (
            storage.get("s", ALICE, "k"),
            storage.get_all("s", ALICE),
            storage.keys("s", ALICE),
            storage.load(ALICE, ("s", "t")),
        )
        values = [self.successResultOf(read) for read in reads]
        self.assertEqual(values, [b"v", {"k": b"v"}, ["k"], {"s": {"k": b"v"}, "t": {}}])

    async def test_many_values_come_from_a_thread(self) -> None:
        """All of them, in order."""
        storage = new_storage(self)
        keys = [f"{number:05d}" for number in range(STEPS)]
        await storage.commit(*[Put("s", ALICE, key, b"v") for key in keys])
        reading = storage.keys("s", ALICE)
        self.assertNoResult(reading)
        self.assertEqual(await reading, keys)

    async def test_while_the_disk_is_slow_threads_read(self) -> None:
        """The answer is the same."""
        self.patch(direct_module, "SLOW_S", -1.0)
        waits = count()
        self.patch(direct_module, "getrusage", lambda who: SimpleNamespace(ru_nvcsw=next(waits)))
        storage = new_storage(self)
        await storage.commit(Put("s", ALICE, "k", b"v"))
        self.assertEqual(self.successResultOf(storage.get("s", ALICE, "k")), b"v")
        reading = storage.get("s", ALICE, "k")
        self.assertNoResult(reading)
        self.assertEqual(await reading, b"v")

    async def test_errors_are_told(self) -> None:
        """As by a thread: by one, whatever is wrong, and none is raised by the call itself."""
        storage = new_storage(self)
        for owner in (["alice"], "\ud800"):
            with self.assertRaises(StorageFailed):
                await storage.get("s", owner)  # type: ignore[arg-type]
        self.assertIsNone(self.successResultOf(storage.get("s", ALICE)))
