"""What a data folder has left over: accounts that nobody serves, and a log that is not the file's."""

import os
import shutil
import sqlite3
import time
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder
from xmppd.admin.check.report import exit_status
from xmppd.config.findings import Finding
from xmppd.storage.sqlite.schema import bring_up

ACCOUNT = "INSERT INTO kv VALUES ('accounts', ?, ?, x'')"


class LeftOverTests(SynchronousTestCase):
    """A data folder with a file in it."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        (self.folder / "data").mkdir(mode=0o700)
        self.file = self.folder / "data" / "xmppd.sqlite"
        bring_up(self.file)

    def look(self, **answers: object) -> list[Finding]:
        """Look at the data."""
        return check_text(self.folder, "", None, "data", **answers)

    def test_accounts_of_a_domain_that_is_not_served(self) -> None:
        """Invisible otherwise; a warning, since the others are served well."""
        with closing(sqlite3.connect(self.file)) as connection:
            connection.executemany(ACCOUNT, [("old.example", "a"), ("old.example", "b"), ("localhost", "a")])
            connection.commit()
        (found,) = self.look()
        self.assertEqual(
            (found.id, found.place, found.what),
            ("data.host-not-served", str(self.file), 'host "old.example"'),
        )
        self.assertIn("accounts of it (2)", found.why)
        self.assertIn("xmppctl host rename old.example NEW, or xmppctl host purge old.example", found.remedy)
        self.assertEqual(exit_status([found]), 0)

    def test_accounts_that_lack_keys(self) -> None:
        """They hold a host to the hash that all have: said, and no mistake; of what is not served it is no matter."""
        with closing(sqlite3.connect(self.file)) as connection:
            for host, name in (("localhost", "a"), ("localhost", "b"), ("old.example", "a")):
                connection.execute(
                    "INSERT INTO kv VALUES ('lacking', ?, ?, CAST('SHA-256 SHA-512' AS BLOB))", (host, name)
                )
            connection.commit()
        (found,) = self.look()
        self.assertEqual(
            (found.id, found.severity, found.place, found.what),
            ("data.few-hashes", "note", str(self.file), 'host "localhost"'),
        )
        self.assertIn("accounts without keys for all hashes (2)", found.why)
        self.assertIn("xmppctl user del a@localhost", found.remedy)
        self.assertEqual(exit_status([found]), 0)

    def test_file_that_is_gone(self) -> None:
        """Before the first start there is none; a running server has one, and stores nothing without it."""
        self.file.unlink()
        self.assertEqual(self.look(), [])
        (found,) = self.look(is_running=lambda data_dir: True)
        self.assertEqual((found.id, found.severity, found.place), ("data.gone", "error", str(self.file)))

    def test_things_of_another_kind(self) -> None:
        """What bears a name of ours and is something else keeps a server from starting, or from being reached."""
        for name, kind in (("secret", "file"), ("xmppd.lock", "file"), ("control.sock", "socket")):
            (self.folder / "data" / name).mkdir()
            (found,) = self.look()
            self.assertEqual((found.id, found.place), ("data.wrong-kind", str(self.folder / "data" / name)))
            self.assertEqual(found.why, f"it is no {kind}")
            (self.folder / "data" / name).rmdir()
        (self.folder / "data" / "certificates").touch()
        (found,) = self.look()
        self.assertEqual((found.id, found.why), ("data.wrong-kind", "it is no folder"))

    def test_copy_over_a_log(self) -> None:
        """A copy that was put in the place of a killed server's file; of a running server nobody asks that."""
        backup, log = self.folder / "backup", self.folder / "data" / "xmppd.sqlite-wal"
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute(ACCOUNT, ("localhost", "a"))
            connection.commit()
            kept = log.read_bytes()
        shutil.copyfile(self.file, backup)
        log.write_bytes(kept)
        os.utime(log, (time.time() - 9, time.time() - 9))
        with closing(sqlite3.connect(backup)) as connection:
            connection.execute(ACCOUNT, ("localhost", "z"))
            connection.execute("DELETE FROM kv WHERE key = 'a'")
            connection.commit()
        shutil.copyfile(backup, self.file)
        (found,) = self.look()
        self.assertEqual(found.id, "data.foreign-log")
        self.assertIn(f"rm {log} {self.file}-shm; ", found.remedy)
        self.assertEqual(self.look(is_running=lambda data_dir: True), [])
