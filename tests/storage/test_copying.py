"""A copy of a data file while it is written."""

import sqlite3
from contextlib import closing
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.storage.interface import StorageFailed
from xmppd.storage.sqlite.connection import open_writer
from xmppd.storage.sqlite.copying import STEP_BYTES, copy_database
from xmppd.storage.sqlite.schema import bring_up

VALUE = b"x" * 4_096
ROWS = 3 * STEP_BYTES // len(VALUE)


class CopyTests(SynchronousTestCase):
    """A data file of some megabytes, and a writer."""

    def setUp(self) -> None:
        """Fill it."""
        self.folder = temporary_folder(self)
        self.file, self.copy = self.folder / "data", self.folder / "copy"
        bring_up(self.file)
        self.writer = open_writer(self.file, "power")
        self.addCleanup(self.writer.close)
        self.put(0, ROWS)

    def put(self, first: int, number: int) -> None:
        """Store so many values, in one transaction."""
        self.writer.execute("BEGIN")
        rows = [("s", "o", f"{first + index:08}", VALUE) for index in range(number)]
        self.writer.executemany("INSERT INTO kv VALUES (?, ?, ?, ?)", rows)
        self.writer.execute("COMMIT")

    def count(self, file: Path) -> int:
        """Give how many values there are in a copy."""
        with closing(sqlite3.connect(file)) as connection:
            (check,) = connection.execute("PRAGMA integrity_check").fetchone()
            self.assertEqual(check, "ok")
            return int(connection.execute("SELECT count(*) FROM kv").fetchone()[0])

    def test_one_moment(self) -> None:
        """What was committed before is in it, what comes meanwhile is not; it does not begin anew."""
        steps: list[tuple[int, int]] = []

        def told(done: int, total: int) -> None:
            steps.append((done, total))
            self.put(ROWS + len(steps), 1)  # between any two steps somebody writes

        copy_database(self.file, self.copy, told, lambda seconds: None)
        self.assertEqual(self.count(self.copy), ROWS)
        self.assertGreater(len(steps), 3)
        self.assertEqual([done for done, _ in steps], sorted({done for done, _ in steps}))
        self.assertEqual(len({total for _, total in steps}), 1)
        self.assertEqual(self.count(self.file), ROWS + len(steps))

    def test_pauses(self) -> None:
        """Behind each step it pauses as long as that took, so that others have their share; not behind the last."""
        pauses: list[float] = []
        steps: list[int] = []
        copy_database(self.file, self.copy, lambda done, total: steps.append(done), pauses.append)
        self.assertEqual(len(pauses), len(steps) - 1)
        self.assertTrue(all(0.0 <= pause <= 0.25 for pause in pauses), pauses)

    def test_log_of_a_killed_server(self) -> None:
        """What is in the log alone is in the copy."""
        self.put(ROWS, 5)
        self.assertGreater((self.folder / "data-wal").stat().st_size, 0)
        copy_database(self.file, self.copy, pause=lambda seconds: None)
        self.assertEqual(self.count(self.copy), ROWS + 5)

    def test_readable_by_us_alone(self) -> None:
        """It has keys of passwords in it."""
        copy_database(self.file, self.copy, pause=lambda seconds: None)
        self.assertEqual(self.copy.stat().st_mode & 0o777, 0o600)

    def test_no_data_file(self) -> None:
        """Another database, no database, no file: refused, and nothing is left behind."""
        other, text = self.folder / "other", self.folder / "text"
        with closing(sqlite3.connect(other)) as connection:
            connection.execute("CREATE TABLE x (y)")
        text.write_bytes(b"no database, but long enough to look like something" * 100)
        for file in (other, text, self.folder / "nothing"):
            self.assertRaises(StorageFailed, copy_database, file, self.copy)
            self.assertFalse(self.copy.exists(), file)

    def test_never_over_another(self) -> None:
        """A file that is there stays."""
        self.copy.write_text("mine")
        self.assertRaises(FileExistsError, copy_database, self.file, self.copy)
        self.assertEqual(self.copy.read_text(), "mine")

    def test_given_up(self) -> None:
        """Who is interrupted leaves no half of a copy."""

        def interrupted(done: int, total: int) -> None:
            raise KeyboardInterrupt

        self.assertRaises(KeyboardInterrupt, copy_database, self.file, self.copy, interrupted)
        self.assertFalse(self.copy.exists())
