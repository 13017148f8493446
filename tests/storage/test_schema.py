"""Creating, upgrading and refusing data files."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.storage.contract_base import ALICE, archive
from tests.temporary import temporary_folder
from xmppd.storage.interface import Put, Selection, StorageFailed, StorageTooNew
from xmppd.storage.sqlite import boxes, damage, deletion, reads, transaction
from xmppd.storage.sqlite.boxes import Boxes
from xmppd.storage.sqlite.connection import open_reader, open_writer
from xmppd.storage.sqlite.schema import STEPS, bring_up

NEXT = (*STEPS[:1], "CREATE TABLE extra (a TEXT); INSERT INTO extra SELECT value FROM kv;")


def ask(path: Path, question: str) -> list[tuple[object, ...]]:
    """The rows that *question* gives."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


class SchemaTests(SynchronousTestCase):
    """`bring_up`."""

    def setUp(self) -> None:
        """A file of the first version with a value in it."""
        self.folder = temporary_folder(self)
        self.path = self.folder / "data"
        bring_up(self.path, STEPS[:1])
        connection = open_writer(self.path, "process")
        changes = transaction.Transaction(connection, Boxes(connection))
        changes.apply([Put("s", ALICE, "", b"v"), *archive(1)])
        changes.flush()
        connection.close()

    def files(self) -> list[str]:
        """What lies in the folder."""
        return sorted(file.name for file in self.folder.iterdir())

    def test_a_file_that_is_up_to_date_is_left_alone(self) -> None:
        """Bringing up twice changes nothing and makes no copy."""
        bring_up(self.path, STEPS[:1])
        self.assertEqual(self.files(), ["data"])
        self.assertEqual(ask(self.path, "SELECT value FROM kv"), [(b"v",)])

    def test_an_older_file_is_copied_and_upgraded(self) -> None:
        """The copy is the old file whole, private as the file.

        The upgraded one has old data and new tables.
        """
        bring_up(self.path, NEXT)
        self.assertEqual(ask(self.path, "SELECT a FROM extra"), [(b"v",)])
        self.assertEqual(ask(self.path, "PRAGMA user_version"), [(len(NEXT),)])
        copy = self.folder / "data.version-1"
        self.assertEqual(self.files(), ["data", copy.name])
        self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
        self.assertEqual(ask(copy, "SELECT id FROM fresh"), [("id1",)])
        self.assertEqual(ask(copy, "PRAGMA user_version"), [(1,)])

    def test_version_1(self) -> None:
        """What was written by version 1 is found by time after the upgrade, whatever was known of its order."""
        with closing(sqlite3.connect(self.path)) as old, old:
            old.execute("UPDATE box SET skew = NULL")
        bring_up(self.path)
        connection = open_reader(self.path)
        self.addCleanup(connection.close)
        for start, found in ((1001.0, ["id1"]), (1001.5, [])):
            page = reads.read(connection, "archive", ALICE, Selection(start=start), 10, False)
            self.assertEqual([entry.id for entry in page], found)

    def test_a_step_that_fails_changes_nothing(self) -> None:
        """The steps are one transaction: if the last one fails the file is as it was."""
        with self.assertRaises(StorageFailed):
            bring_up(self.path, (*NEXT, "CREATE TABLE kv (a TEXT);"))
        self.assertEqual(ask(self.path, "PRAGMA user_version"), [(1,)])
        self.assertEqual(ask(self.path, "SELECT name FROM sqlite_master WHERE name = 'extra'"), [])
        bring_up(self.path, NEXT)
        self.assertEqual(ask(self.path, "SELECT a FROM extra"), [(b"v",)])

    def test_a_newer_file_is_refused(self) -> None:
        """A file of a newer program is refused in one line, and not touched."""
        bring_up(self.path, NEXT)
        before = self.path.read_bytes()
        with self.assertRaises(StorageTooNew) as raised:
            bring_up(self.path, STEPS[:1])
        self.assertNotIn("\n", str(raised.exception))
        self.assertIn("data has version 2", str(raised.exception))
        self.assertEqual(self.path.read_bytes(), before)

    def test_files_that_are_not_ours_are_refused(self) -> None:
        """Another program's database, no database at all, or a place that cannot be written.

        One line each.
        """
        other = self.folder / "other"
        connection = sqlite3.connect(other)
        connection.execute("CREATE TABLE t (a)")
        connection.close()
        text = self.folder / "text"
        text.write_text("no database " * 100)
        for path in (other, text, self.folder, self.folder / "missing" / "data"):
            with self.assertRaises(StorageFailed) as raised:
                bring_up(path)
            self.assertNotIn("\n", str(raised.exception))
            self.assertIn(str(path), str(raised.exception))

    def spoil(self, table: str) -> None:
        """Write rubbish where *table* begins."""
        ((root, size),) = ask(
            self.path,
            f"SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = '{table}'",
        )
        assert isinstance(root, int)
        assert isinstance(size, int)
        with self.path.open("r+b") as stream:
            stream.seek((root - 1) * size)
            stream.write(b"\xff" * size)

    def test_damaged_files_are_refused(self) -> None:
        """Damage shows before anybody is answered; the line says how to mend it."""
        whole = self.path.read_bytes()
        for table in ("kv", "box", "dead_box", "fresh", "entry"):
            self.spoil(table)
            self.assertIsNotNone(damage.damage(self.path), table)
            with self.assertRaisesRegex(StorageFailed, r"\A.*malformed; [^\n]*\.recover\Z"):
                bring_up(self.path, STEPS[:1])
            self.path.write_bytes(whole)
            self.assertIsNone(damage.damage(self.path))

    def spoil_deep(self) -> None:
        """Write rubbish into a page of ``kv`` that no look at its first rows would meet."""
        with closing(sqlite3.connect(self.path)) as connection:
            rows = [("s", "o", f"{key:06}", b"v" * 500) for key in range(400)]
            connection.executemany("INSERT INTO kv VALUES (?, ?, ?, ?)", rows)
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = self.path.read_bytes()
        at = content.index(b"000200")
        self.path.write_bytes(
            content[: at // 4096 * 4096] + b"\xff" * 4096 + content[at // 4096 * 4096 + 4096 :]
        )

    def test_every_page_that_a_login_reads(self) -> None:
        """Damage anywhere in accounts and rosters is met before the start, not by the user whose page it is."""
        self.spoil_deep()
        with self.assertRaisesRegex(
            StorageFailed, rf"; put a copy in its place and remove {self.path}-wal and "
        ):
            bring_up(self.path, STEPS[:1])

    def test_large_file_is_looked_through_later(self) -> None:
        """Nobody waits for that; the log tells what was found."""
        self.patch(damage, "SMALL_BYTES", 0)
        self.spoil_deep()
        bring_up(self.path, STEPS[:1])
        with closing(sqlite3.connect(self.path)) as connection:
            self.assertIsNotNone(damage.damage_of_logins(connection))

    def test_damage_is_looked_for_so_long_only(self) -> None:
        """A large file does not hold up who asks."""
        self.patch(damage, "_STEPS", 1)
        self.spoil("entry")
        self.assertIsNone(damage.damage(self.path, look_s=-1.0))
        self.assertIsNotNone(damage.damage(self.path))

    def test_looking_for_damage_leaves_no_trace(self) -> None:
        """Neither beside a file at rest nor in one that a server works with."""
        damage.damage(self.path)
        self.assertEqual(self.files(), ["data"])
        with closing(sqlite3.connect(self.path)) as running:
            running.execute("INSERT INTO kv VALUES ('s', 'o', 'k', 'v')")
            running.commit()
            files = self.files()
            self.assertIsNone(damage.damage(self.path))
            self.assertEqual(self.files(), files)
            self.assertIn("data-wal", files)

    def test_no_statement_searches_a_whole_table(self) -> None:
        """However large a table is, each deletion finds its rows by an index, and so does a page of owners."""
        connection = sqlite3.connect(self.path)
        self.addCleanup(connection.close)
        page = {"store": "", "from": "", "to": "", "limit": 1}
        statements: list[tuple[str, Any]] = [
            (transaction._DELETE[2], [""] * 6),
            *((texts[2], [""] * 3) for texts in (*deletion._SEQS.values(), *deletion._IDS.values())),
            (transaction._DELETE_WHOLE, [""]),
            (transaction._DELETE_PARTS, [""] * 2),
            (boxes._BOXES_OF, [""] * 3),
            *((text, page) for text in (*reads._OWNERS, *reads._PARTS)),
        ]
        for statement, parameters in statements:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            for step in plan:
                self.assertNotIn("SCAN kv", step[3])
                self.assertNotIn("SCAN box", step[3])
                self.assertNotIn("SCAN entry", step[3])
                self.assertNotIn("SCAN fresh", step[3])
