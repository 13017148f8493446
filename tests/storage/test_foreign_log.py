"""A log that a killed server has left, and whether the file beside it is the one that it was written for."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.storage.interface import StorageFailed
from xmppd.storage.sqlite.connection import open_writer
from xmppd.storage.sqlite.foreign_log import foreign_log
from xmppd.storage.sqlite.schema import bring_up

PUT = "INSERT INTO kv VALUES ('s', 'o', ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class ForeignLogTests(SynchronousTestCase):
    """A data folder as SIGKILL leaves it: the file with its log, copied while a connection is open."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.file = self.folder / "xmppd.sqlite"
        bring_up(self.file)
        self.connection = open_writer(self.file, "power")
        self.addCleanup(self.connection.close)
        self.backup = self.folder / "backup"

    def put(self, *keys: int, value: bytes = b"x" * 3_000) -> None:
        """Commit values, a transaction each."""
        for key in keys:
            self.connection.execute(PUT, (str(key), value))

    def back_up(self) -> None:
        """Make a copy as the manual says."""
        with closing(sqlite3.connect(self.backup)) as target:
            self.connection.backup(target)

    def killed(self) -> Path:
        """Give the file of a folder that looks as after SIGKILL, times and all; nobody works with it."""
        folder = temporary_folder(self)
        for name in ("xmppd.sqlite", "xmppd.sqlite-wal", "xmppd.sqlite-shm"):
            shutil.copy2(self.folder / name, folder / name)
        # copying has changed the inodes of all: put the log's content there again, as its own last change
        log = folder / "xmppd.sqlite-wal"
        (folder / "xmppd.sqlite").touch()
        os.utime(folder / "xmppd.sqlite", ns=_times(self.folder / "xmppd.sqlite"))
        log.write_bytes(log.read_bytes())
        time.sleep(0.02)  # of the clock of the file system
        return folder / "xmppd.sqlite"

    def test_its_own(self) -> None:
        """What a kill leaves is taken as it is: after commits, and after the log was copied into the file."""
        self.put(*range(20))
        self.assertIsNone(foreign_log(self.killed()))
        self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        file = self.killed()
        file.touch()
        self.assertIsNone(foreign_log(file), "the file is newer since the log was copied into it")
        self.put(1, 2, value=b"y")
        self.assertIsNone(foreign_log(self.killed()))

    def test_backup_of_the_same_life(self) -> None:
        """A copy made while that server ran, put there after it was killed by ``cp``, ``cp -p`` or ``mv``."""
        self.put(*range(10))
        self.back_up()
        self.put(*range(5, 40))
        for put_there in (shutil.copyfile, shutil.copy2, _move_copy):
            file = self.killed()
            put_there(self.backup, file)
            self.assertIn("do not belong together", foreign_log(file) or "", put_there)

    def test_backup_without_the_index(self) -> None:
        """The ``-shm`` may be gone."""
        self.put(*range(10))
        self.back_up()
        self.put(*range(5, 40))
        file = self.killed()
        Path(f"{file}-shm").unlink()
        shutil.copyfile(self.backup, file)
        self.assertIsNotNone(foreign_log(file))

    def test_file_of_another_server(self) -> None:
        """Whatever was put there."""
        self.put(*range(10))
        file = self.killed()
        other = self.folder / "other"
        bring_up(other)
        shutil.copyfile(other, file)
        self.assertIsNotNone(foreign_log(file))

    def test_copying_was_cut_short(self) -> None:
        """A kill while the log was being copied into the file: the first pages are there, the others not."""
        self.put(*range(200))
        whole = self.folder / "whole"
        self.back_up()
        file = self.killed()
        Path(f"{file}-shm").unlink()
        self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        shutil.copyfile(self.file, whole)
        half = whole.stat().st_size // 2 // 8192 * 8192
        with file.open("r+b") as stream:
            stream.write(whole.read_bytes()[:half])
        self.assertIsNone(foreign_log(file))

    def test_folder_that_was_copied(self) -> None:
        """File and log together, to another machine: in whatever order they were written."""
        self.put(*range(20))
        file = self.killed()
        for name in ("xmppd.sqlite-wal", "xmppd.sqlite"):
            old = file.parent / name
            shutil.copy2(old, file.parent / "copy")
            (file.parent / "copy").replace(old)
        os.utime(f"{file}-wal", (time.time() - 50, time.time() - 50))
        os.utime(file, (time.time() - 60, time.time() - 60))
        self.assertIsNone(foreign_log(file))

    def test_start(self) -> None:
        """It is refused with both ways out; nothing is changed by that, and each way is one."""
        self.put(*range(10))
        self.back_up()
        self.put(*range(5, 40))
        file = self.killed()
        shutil.copyfile(self.backup, file)
        before = file.read_bytes()
        error = self.assertRaises(StorageFailed, bring_up, file)
        self.assertIn(f"rm {file}-wal {file}-shm", str(error))
        self.assertIn(f"touch {file}-wal", str(error))
        self.assertEqual(file.read_bytes(), before)
        for name in ("-wal", "-shm"):
            Path(f"{file}{name}").unlink()
        bring_up(file)
        with closing(sqlite3.connect(file)) as restored:
            self.assertEqual(restored.execute("SELECT count(*) FROM kv").fetchone(), (10,))

    def test_no_log(self) -> None:
        """Nothing to say of a file alone, or of a log alone."""
        self.assertIsNone(foreign_log(self.folder / "none"))
        self.assertIsNone(foreign_log(self.backup))


def _times(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_atime_ns, found.st_mtime_ns


def _move_copy(source: Path, target: Path) -> None:
    copy = source.parent / "moved"
    shutil.copy2(source, copy)
    copy.replace(target)
