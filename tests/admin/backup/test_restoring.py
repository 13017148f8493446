"""Putting backups back: all or nothing, and what was there is kept."""

import io
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.admin.backup.bench import NOW, accounts, dying, make_data
from tests.admin.backup.test_making import nothing
from tests.temporary import temporary_folder
from xmppd.admin.backup.making import Place, make
from xmppd.admin.backup.manifest import BackupError
from xmppd.admin.backup.restoring import Restored, restore

SHARED_MEMORY = Path("/dev/shm")
OLD, NEW = {"tybalt"}, {"romeo", "juliet"}


class RestoreTests(SynchronousTestCase):
    """A backup of some data, and a folder with others."""

    def setUp(self) -> None:
        """Make them."""
        self.folder = temporary_folder(self)
        origin = make_data(self.folder / "origin", *NEW)
        self.backup = make(origin, self.folder / "x.tar", None, nothing, NOW).file
        self.place = make_data(self.folder / "data", *OLD)

    def restore(
        self, file: Path | None = None, place: Place | None = None, *, is_replacing: bool = True
    ) -> Restored:
        """Put it back."""
        with (file or self.backup).open("rb") as backup:
            size = (file or self.backup).stat().st_size
            return restore(backup, size, place or self.place, is_replacing, nothing, NOW)

    def changed(self, change: Callable[[bytearray], object]) -> Path:
        """Give a backup with something wrong in it."""
        data = bytearray(self.backup.read_bytes())
        change(data)
        file = self.folder / "broken.tar"
        file.write_bytes(data)
        return file

    def remade(self, change: Callable[[tarfile.TarInfo, bytes], tuple[str, bytes] | None]) -> Path:
        """Give a backup in which members are others, or gone."""
        file = self.folder / "remade.tar"
        with tarfile.open(self.backup) as old, tarfile.open(file, "w") as new:
            for info in old:
                content = old.extractfile(info)
                assert content is not None
                changed = change(info, content.read())
                if changed is not None:
                    info.name, info.size = changed[0], len(changed[1])
                    new.addfile(info, io.BytesIO(changed[1]))
        return file

    def test_replacing(self) -> None:
        """What was there is aside, and is a whole data folder's worth; what the backup has is there."""
        restored = self.restore()
        self.assertEqual(accounts(self.place), NEW)
        self.assertIn("juliet", (self.place.data_dir / "secret").read_text())
        assert restored.aside is not None
        aside = Place(restored.aside, restored.aside / "xmppd.sqlite", None)
        self.assertEqual(accounts(aside), OLD)
        self.assertEqual((restored.aside / "secret").read_text(), "the secret of tybalt")
        self.assertEqual((restored.aside / "certificates" / "a.crt").read_text(), "certificate of tybalt")

    def test_not_over_data(self) -> None:
        """Without being told to it takes no data's place."""
        self.assertRaises(BackupError, self.restore, is_replacing=False)
        self.assertEqual(accounts(self.place), OLD)

    def test_log_of_a_killed_server(self) -> None:
        """What a log has belongs to the old data: it goes with them, and never into the new."""
        place = make_data(self.folder / "killed", *OLD, has_log=True)
        restored = self.restore(place=place)
        self.assertEqual(accounts(place), NEW)
        assert restored.aside is not None
        self.assertEqual(accounts(Place(restored.aside, restored.aside / "xmppd.sqlite", None)), OLD)

    def test_a_data_file_elsewhere(self) -> None:
        """``[storage] url`` may name one on another disk: it gets there whole, and by a rename, too."""
        if not SHARED_MEMORY.is_dir():
            raise SkipTest("no other file system is known")
        other = Path(tempfile.mkdtemp(prefix="xmppd-test-", dir=SHARED_MEMORY))
        self.addCleanup(shutil.rmtree, other)
        place = make_data(self.folder / "split", *OLD)
        shutil.move(place.database, other / "data")
        place = Place(place.data_dir, other / "data", None)
        restored = self.restore(place=place)
        self.assertEqual(accounts(place), NEW)
        self.assertEqual(sorted(each.name for each in other.iterdir()), ["data"])
        assert restored.aside is not None
        self.assertTrue((restored.aside / "data").exists())

    def test_over_damage(self) -> None:
        """A data file that cannot be opened any more is put aside as it is, with its log."""
        place = make_data(self.folder / "damaged", *OLD, has_log=True)
        place.database.write_bytes(b"no database" * 1_000)
        restored = self.restore(place=place)
        self.assertEqual(accounts(place), NEW)
        assert restored.aside is not None
        self.assertTrue((restored.aside / "xmppd.sqlite").read_bytes().startswith(b"no database"))
        self.assertTrue((restored.aside / "xmppd.sqlite-wal").exists())

    def test_broken_backups(self) -> None:
        """Cut short, a bit turned, another file: refused in a line before anything is touched."""
        size = self.backup.stat().st_size
        secret = self.backup.read_bytes().index(b"the secret of")

        def cut(data: bytearray) -> None:
            del data[size // 2 :]

        def behead(data: bytearray) -> None:
            del data[:512]

        def turn(data: bytearray) -> None:
            data[secret] ^= 1

        for change in (cut, behead, turn, bytearray.clear, bytearray.reverse):
            file = self.changed(change)
            error = self.assertRaises(BackupError, self.restore, file)
            self.assertNotIn("\n", str(error))
            self.assertEqual(accounts(self.place), OLD)

    def test_what_is_no_member(self) -> None:
        """A name that leads out of the folder, one that is not listed, one that is missing."""
        outside = self.folder / "outside"

        def lead_out(info: tarfile.TarInfo, content: bytes) -> tuple[str, bytes]:
            name = info.name.replace("data/secret", "data/../../outside")
            return name, content.replace(b"data/secret", b"data/../../outside")

        def add(info: tarfile.TarInfo, content: bytes) -> tuple[str, bytes]:
            return info.name, content.replace(b"data/secret", b"data/other")

        def leave_out(info: tarfile.TarInfo, content: bytes) -> tuple[str, bytes] | None:
            return None if info.name == "data/secret" else (info.name, content)

        for change in (lead_out, add, leave_out):
            self.assertRaises(BackupError, self.restore, self.remade(change))
            self.assertEqual(accounts(self.place), OLD)
        self.assertFalse(outside.exists())

    def test_a_newer_program(self) -> None:
        """Neither its list nor its data file is taken for what it is not."""
        newer = self.remade(lambda info, data: (info.name, data.replace(b'"format": 1', b'"format": 9')))
        error = self.assertRaises(BackupError, self.restore, newer)
        self.assertIn("newer xmppd", str(error))

    def test_killed(self) -> None:
        """promises#backup: SIGKILL at any touch of a file leaves whole data, old or new; a second run completes it."""
        deaths, seen = 0, set[str]()
        for number in dying(self.restore, self.folder / "data"):
            deaths += 1
            found = accounts(self.place)
            self.assertIn(found, (OLD, NEW), number)
            seen.add(min(found))
            if found == NEW:  # from the start again, for the next number
                shutil.rmtree(self.place.data_dir)
                make_data(self.place.data_dir, *OLD)
        self.assertGreater(deaths, 20)
        self.assertEqual(seen, {min(OLD), min(NEW)})
        self.assertEqual(accounts(self.place), NEW)
        self.assertIn("juliet", (self.place.data_dir / "secret").read_text())
