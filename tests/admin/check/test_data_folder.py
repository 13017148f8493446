"""What is found in a data folder: its rights, its files, and the room for them."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder
from xmppd.admin.check.machine import Machine, free_bytes
from xmppd.admin.folder import SECRET_BYTES, SECRET_NAME
from xmppd.config.findings import Finding
from xmppd.config.obstacles import Obstacle, obstacle_to_using
from xmppd.storage.sqlite.schema import PAGE_BYTES, bring_up


class DataFolderTests(SynchronousTestCase):
    """The data folder."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)

    def assert_one(
        self, identifier: str, severity: str, word: str, remedy: str, **answers: object
    ) -> Finding:
        found = check_text(self.folder, f"data_dir = '{self.data}'\n", None, "data", **answers)
        self.assertEqual([(f.id, f.severity) for f in found], [(identifier, severity)], found)
        self.assertEqual(found[0].place, f"{self.folder / 'xmppd.toml'}:1")
        self.assertIn(word, found[0].why)
        self.assertIn(remedy, found[0].remedy)
        return found[0]

    def test_fine(self) -> None:
        """A folder of ours with mode 0700 is fine, and one that can be made."""
        self.assertEqual(check_text(self.folder, "", None, "data"), [])
        self.data.rmdir()
        self.assertEqual(check_text(self.folder, "", None, "data"), [])

    def test_place_without_option(self) -> None:
        """A folder that the file does not name is its own place."""
        self.data.chmod(0o755)
        self.assertEqual(check_text(self.folder, "", None, "data")[0].place, str(self.data))

    def test_mode(self) -> None:
        """Others have no business in it."""
        self.data.chmod(0o750)
        self.assert_one("data.mode", "error", "0750", f"chmod 700 {self.data}")

    def test_owner(self) -> None:
        """It belongs to whoever runs the server; root looks at it for its owner."""
        (self.data / "xmppd.sqlite").write_bytes(b"rubbish")
        answers = {"uid": 54321, "obstacle_to_using": _closed}
        self.assert_one("data.owner", "error", "54321", "chown", **answers)
        (self.data / "xmppd.sqlite").unlink()
        self.assertEqual(check_text(self.folder, "", None, "data", uid=0), [])

    def test_not_writable(self) -> None:
        """We must be able to write in it."""
        answers = {"obstacle_to_using": _closed}
        self.assert_one("data.not-writable", "error", "may not write", "chown", **answers)

    def test_data_file(self) -> None:
        """A file of ours of this version or none yet is fine; a newer one and any other file are told."""
        file = self.data / "xmppd.sqlite"
        bring_up(file)
        self.assertEqual(check_text(self.folder, "", None, "data"), [])
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA user_version = 99")
        self.assert_file("data.too-new", "version 99", "newer xmppd")
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA application_id = 5")
        self.assert_file("data.not-ours", "no data file of xmppd", "storage.url")
        file.write_bytes(b"rubbish")
        self.assert_file("data.not-ours", "no data file of xmppd", "storage.url")
        file.unlink()
        file.mkdir()
        self.assert_file("data.unreachable", "it is a folder and no file", "mend it")
        file.rmdir()
        file.touch()
        self.assertEqual(check_text(self.folder, "", None, "data"), [])

    def assert_file(self, identifier: str, word: str, remedy: str) -> None:
        """One mistake is found in the data file, which is its own place."""
        found = check_text(self.folder, "", None, "data")
        self.assertEqual([f.id for f in found], [identifier], found)
        self.assertEqual(found[0].place, str(self.data / "xmppd.sqlite"))
        self.assertIn(word, found[0].why)
        self.assertIn(remedy, found[0].remedy)

    def test_cannot_create(self) -> None:
        """A folder that is not there must be possible to make."""
        self.data.rmdir()
        answers = {"obstacle_to_using": _closed}
        self.assert_one("data.cannot-create", "error", str(self.folder), "install -d", **answers)
        (self.folder / "file").touch()
        self.data = self.folder / "file" / "data"
        found = check_text(self.folder, f"data_dir = '{self.data}'\n", None, "data")
        self.assertEqual(len(found), 1)
        self.assertIn(found[0].id, ("data.cannot-create", "data.unreachable"))

    def test_not_a_folder(self) -> None:
        """A file in its place is told."""
        self.data.rmdir()
        self.data.touch()
        self.assert_one("data.not-a-folder", "error", "a file", "another data_dir")

    def test_space(self) -> None:
        """Little room is a warning, hardly any an error."""
        self.assert_one("data.low-space", "warning", "99.0 MB", "make room", free_bytes=lambda f: 99_000_000)
        self.assert_one("data.no-space", "error", "9.0 MB", "make room", free_bytes=lambda f: 9_000_000)

    def test_unreachable(self) -> None:
        """What the system says against looking at it is told."""

        def fail(folder: Path) -> int:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        self.assert_one("data.unreachable", "error", "output error", "another data_dir", free_bytes=fail)

    def test_foreign_file(self) -> None:
        """A file of another user in it is told: somebody ran the server as root once."""
        if os.geteuid() != 0:
            return
        (self.data / "xmppd.sqlite").touch()
        os.chown(self.data / "xmppd.sqlite", 54321, -1)
        self.assert_one("data.foreign-file", "error", "xmppd.sqlite", "chown -R")

    def test_database_elsewhere(self) -> None:
        """The folder of a database outside the data folder is looked at too."""
        text = f"[storage]\nurl = 'sqlite:{self.folder}/absent/x.sqlite'\n"
        found = check_text(self.folder, text, None, "data")
        self.assertEqual([(f.id, f.severity) for f in found], [("data.no-folder", "error")])
        self.assertEqual(found[0].place, f"{self.folder / 'xmppd.toml'}:2")

    def test_damaged(self) -> None:
        """A data file that is not whole is told before its server finds out."""
        file = self.data / "xmppd.sqlite"
        bring_up(file)
        with file.open("r+b") as stream:
            stream.seek(3 * PAGE_BYTES)
            stream.write(b"\xff" * PAGE_BYTES)
        self.assert_file("data.damaged", "", ".recover")

    def test_secret(self) -> None:
        """One that is cut short keeps the server from starting."""
        (self.data / SECRET_NAME).write_bytes(b"short")
        (found,) = check_text(self.folder, "", None, "data")
        self.assertEqual((found.id, found.place), ("data.secret", str(self.data / SECRET_NAME)))
        (self.data / SECRET_NAME).write_bytes(bytes(SECRET_BYTES))
        self.assertEqual(check_text(self.folder, "", None, "data"), [])

    def test_real_answers(self) -> None:
        """The machine itself says how much is free, and that we may write where we may."""
        self.assertGreater(free_bytes(self.data), 0)
        self.assertIsNone(obstacle_to_using(self.data))
        self.assertEqual(Machine().uid, os.geteuid())


def _closed(folder: Path) -> Obstacle:
    """Say what a folder of somebody else says."""
    return Obstacle(errno.EACCES, folder, f"the user x may not write in {folder}", "let that user use it")
