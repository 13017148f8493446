"""The storage contract on `SQLiteStorage`, and what only a file and threads can get wrong."""

import gc
import sqlite3
from pathlib import Path
from threading import Event
from unittest import mock
from weakref import ref

from twisted.internet.defer import gatherResults
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.storage import contract, contract_of_archives
from tests.storage.contract_base import ALICE, BAD, BOB, archive, entry
from tests.storage.sqlite_storage import REACTOR, WAIT_S, new_connection, new_storage
from tests.temporary import temporary_folder
from xmppd.storage.interface import Append, DeleteOwner, InvalidChange, Put, StorageFailed, StorageFull
from xmppd.storage.sqlite import boxes as boxes_module
from xmppd.storage.sqlite import damage, reads, store, threads
from xmppd.storage.sqlite.boxes import Boxes
from xmppd.storage.sqlite.connection import Durability, open_reader
from xmppd.storage.sqlite.schema import bring_up
from xmppd.storage.sqlite.transaction import Transaction


class SQLiteStorageTests(contract.WholeContract):
    """The contract."""

    def setUp(self) -> None:
        """A storage over a new file."""
        self.storage = new_storage(self)


class MergingSQLiteStorageTests(contract.AtOnceContract):
    """The contract, with entries that leave the fresh ones after each group."""

    def setUp(self) -> None:
        """A storage that merges all the time."""
        self.patch(threads, "MERGE_ROWS", 1)
        self.storage = new_storage(self)


class HalfMergedSQLiteStorageTests(contract_of_archives.ArchiveContract):
    """The contract for archives, some of whose entries are fresh and some are not."""

    def setUp(self) -> None:
        """A storage that merges after every third row."""
        self.patch(threads, "MERGE_ROWS", 3)
        self.storage = new_storage(self)


class WriterTests(TestCase):
    """Groups, faults and the end."""

    async def test_what_waits_is_one_group(self) -> None:
        """Commits that queued up are written in groups of at most 500 rows, in order."""
        storage = new_storage(self, start=False)
        commits = [storage.commit(Put("s", ALICE, str(n), b"v")) for n in range(1_100)]
        commits.append(storage.commit(*[Put("s", BOB, str(n), b"v") for n in range(450)]))
        storage.start()
        await gatherResults(commits)
        self.assertEqual(
            sum(storage.writes.changes.counts), 4
        )  # 500, 500, 100, 450: a commit is never torn apart
        self.assertEqual(storage.backlog, 0)

    async def test_a_failing_caller_is_alone(self) -> None:
        """What follows a commit may fail: it is logged, and the others of the group hear of theirs."""
        storage = new_storage(self, start=False)

        def fail(_: object) -> None:
            raise RuntimeError("a bug")

        storage.submit([Put("s", ALICE, "k", b"v")], fail)
        other = storage.commit(Put("s", ALICE, "j", b"v"))
        storage.start()
        await other
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_a_bad_member_is_alone_in_its_fate(self) -> None:
        """If a group fails, each member is tried alone: only the bad ones fail, order is kept."""
        storage = new_storage(self, start=False)
        commits = []
        for number in range(60):
            bad = [BAD] if number % 20 == 19 else []
            commits.append(storage.commit(Append("archive", ALICE, entry(number)), *bad))
        storage.start()
        for number, commit in enumerate(commits):
            if number % 20 == 19:
                await self.assertFailure(commit, InvalidChange)
            else:
                await commit
        page = await storage.read("archive", ALICE, limit=100)
        self.assertEqual([one.id for one in page], [f"id{n}" for n in range(60) if n % 20 != 19])

    async def test_a_full_disk(self) -> None:
        """A full disk fails what does not fit, keeps what is old, and serves on once there is room."""
        connections: list[sqlite3.Connection] = []

        def limited(path: Path, durability: Durability) -> sqlite3.Connection:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA max_page_count = 60")
            connections.append(connection)
            return connection

        self.patch(store, "open_writer", limited)
        storage = new_storage(self)
        await storage.commit(Put("s", ALICE, "old", b"1"), *archive(1))
        large = storage.commit(Put("s", ALICE, "old", bytes(1_000_000)))
        small = storage.commit(Put("s", ALICE, "small", b"2"), *archive(2))
        await self.assertFailure(large, StorageFull)
        await small
        self.assertEqual(await storage.get_all("s", ALICE), {"old": b"1", "small": b"2"})
        connections[0].execute("PRAGMA max_page_count = 1000000")
        await storage.commit(Put("s", ALICE, "old", bytes(1_000_000)))
        self.assertEqual(await storage.count("archive", ALICE), 2)

    async def test_a_merge_that_fails(self) -> None:
        """If fresh entries cannot be moved, nobody notices.

        They stay where they are, and it is tried again.
        """

        def refuse(boxes: Boxes) -> None:
            boxes.fresh_rows = 0
            raise sqlite3.OperationalError("refused")

        self.patch(threads, "MERGE_ROWS", 2)
        with mock.patch.object(Boxes, "merge", refuse):
            storage = new_storage(self)
            await storage.commit(*archive(1, 2))
            await storage.commit(*archive(3))
        await storage.commit(*archive(4))
        await storage.commit()
        self.assertEqual(
            [one.id for one in await storage.read("archive", ALICE)], ["id1", "id2", "id3", "id4"]
        )

    async def test_a_writer_that_cannot_start(self) -> None:
        """Without a connection every commit fails, now and later; the log says why, stopping works."""

        def refuse(path: Path, durability: Durability) -> sqlite3.Connection:
            raise sqlite3.OperationalError("refused")

        self.patch(store, "open_writer", refuse)
        storage = new_storage(self)
        first = storage.commit(Put("s", ALICE, "", b"v"))
        await self.assertFailure(first, StorageFailed)
        await self.assertFailure(storage.commit(Put("s", ALICE, "", b"v")), StorageFailed)
        self.assertEqual(storage.backlog, 0)
        await storage.stop()
        self.assertEqual(len(self.flushLoggedErrors(sqlite3.OperationalError)), 1)

    async def test_a_reader_that_fails(self) -> None:
        """A read that the file does not allow fails with StorageFailed, and the next one is tried anew."""
        path = temporary_folder(self) / "data"
        storage = new_storage(self, path)
        await storage.commit(Put("s", ALICE, "", b"v"))
        storage.path.rename(path.with_suffix(".away"))
        await self.assertFailure(storage.get("s", ALICE), StorageFailed)
        path.with_suffix(".away").rename(path)
        self.assertEqual(await storage.get("s", ALICE), b"v")

    async def test_stop_before_start(self) -> None:
        """A storage that never started fails what was asked of it, and stops."""
        storage = new_storage(self, start=False)
        commit, read = storage.commit(Put("s", ALICE, "", b"v")), storage.get("s", ALICE)
        await storage.stop()
        await self.assertFailure(commit, StorageFailed)
        await self.assertFailure(read, StorageFailed)
        await self.assertFailure(storage.get("s", ALICE), StorageFailed)

    async def test_a_cancelled_read_is_not_made(self) -> None:
        """A read that nobody waits for any more is skipped."""
        storage = new_storage(self, start=False)
        read = storage.get("s", ALICE)
        read.addErrback(lambda _: None).cancel()
        storage.start()
        self.assertIsNone(await storage.get("s", ALICE))


class ReaderTests(TestCase):
    """Two kinds of reads do not wait for each other."""

    async def test_values_do_not_wait_for_archives(self) -> None:
        """While long reads hold all threads for archives, a value is there at once."""
        storage = new_storage(self)
        await storage.commit(Put("s", ALICE, "k", b"v"))
        go_on = Event()

        def long(*_: object) -> int:
            go_on.wait(WAIT_S)
            return 7

        self.patch(reads, "count", long)
        counts = [storage.count("archive", ALICE) for _ in range(2 * store.ARCHIVE_READERS)]
        value = await storage.get("s", ALICE, "k")
        are_done = [count.called for count in counts]
        go_on.set()
        self.assertEqual((value, are_done), (b"v", [False] * len(counts)))
        self.assertEqual(await gatherResults(counts), [7] * len(counts))


class LookingThroughTests(TestCase):
    """A large file is looked through while the server runs."""

    async def told(self, found: str | None) -> str:
        """Give what the log has after a start at which *found* was found."""
        self.patch(damage, "SMALL_BYTES", 0)
        self.patch(store, "damage_of_logins", lambda connection: found)
        with capturedLogs() as events:
            await new_storage(self).stop()
        return "\n".join(line for line in map(formatEvent, events) if "damaged" in line)

    async def test_damage(self) -> None:
        """It is an error in the log, with what to do."""
        said = await self.told("row 7 missing")
        self.assertIn(
            "is damaged: row 7 missing; stop the server and put a copy in its place and remove ", said
        )

    async def test_no_damage(self) -> None:
        """Then there is nothing to say."""
        self.assertEqual(await self.told(None), "")


class RestTests(TestCase):
    """Reading threads that have nothing to do."""

    async def test_connections_are_closed_and_opened_again(self) -> None:
        """One that caches keeps no connection, whose cache may have megabytes; the next read opens another."""
        path = temporary_folder(self) / "data"
        bring_up(path)
        opened: list[sqlite3.Connection] = []

        def connect() -> sqlite3.Connection:
            opened.append(open_reader(path))
            return opened[-1]

        readers = threads.Readers("values", REACTOR, connect, 1)
        readers.start()
        self.addCleanup(readers.stop)
        for _ in range(2):
            await readers.run(reads.get, "s", ALICE, "")
        self.assertEqual(len(opened), 1)
        readers.release_memory()
        self.assertIsNone(await readers.run(reads.get, "s", ALICE, ""))
        self.assertEqual(len(opened), 2)


class TransactionTests(SynchronousTestCase):
    """`Transaction`, of which there is one for each group."""

    def test_nothing_is_left_for_the_collector(self) -> None:
        """What a group has written is gone with it: groups come in hundreds a second."""
        connection = new_connection(self)
        transaction = Transaction(connection, Boxes(connection))
        transaction.apply([*archive(*range(10)), Put("s", BOB, "k", b"v")])
        transaction.flush()
        gone = ref(transaction)
        gc.disable()
        self.addCleanup(gc.enable)
        del transaction
        self.assertIsNone(gone())


class DropTests(SynchronousTestCase):
    """Archives that are deleted as a whole."""

    def test_dropped_rows_are_swept_in_slices(self) -> None:
        """A drop takes a box out of sight; its rows go later, so many at a time, and nobody else's."""
        connection = new_connection(self)
        boxes = Boxes(connection)
        transaction = Transaction(connection, boxes)
        transaction.apply([*archive(*range(10)), Append("archive", BOB, entry(1))])
        transaction.flush()
        boxes.merge()
        transaction.apply([*archive(10), Append("archive", BOB, entry(2)), DeleteOwner(ALICE)])
        transaction.flush()
        rows = []
        while boxes.has_dropped:
            boxes.sweep(4)
            rows += connection.execute("SELECT count(*) FROM entry").fetchone()
        self.assertEqual(rows, [7, 3, 1, 1])
        for left in ("SELECT count(*) FROM dead_box", "SELECT count(*) - 1 FROM fresh"):
            self.assertEqual(connection.execute(left).fetchone(), (0,))

    def test_what_is_remembered_of_boxes_is_bounded(self) -> None:
        """However many owners there are, only the latest so many are remembered between groups."""
        self.patch(boxes_module, "REMEMBERED", 3)
        connection = new_connection(self)
        boxes = Boxes(connection)
        for number in range(9):
            boxes.for_append("s", str(number), entry(1))
        boxes.trim()
        self.assertEqual(len(boxes), 3)
