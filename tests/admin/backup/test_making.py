"""Making backups: what is in them, and that there is never half of one."""

import json
import os
import tarfile
from dataclasses import replace
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.backup.bench import NOW, accounts, dying, make_data
from tests.temporary import temporary_folder
from xmppd.admin.backup.making import Made, Place, make
from xmppd.admin.backup.manifest import BackupError
from xmppd.admin.backup.restoring import restore
from xmppd.storage.interface import StorageFailed


def nothing(done: int, total: int) -> None:
    """Nobody watches."""


class MakeTests(SynchronousTestCase):
    """A data folder and a place for backups."""

    def setUp(self) -> None:
        """Make them."""
        self.folder = temporary_folder(self)
        self.place = make_data(self.folder / "data", "romeo", "juliet")
        self.target = self.folder / "backups"
        self.target.mkdir()

    def make(self, name: str = "x.tar", keep: int | None = None, now: float = NOW) -> Made:
        """Make one."""
        return make(self.place, self.target / name if name else self.target, keep, nothing, now)

    def accounts_in(self, file: Path) -> set[str]:
        """Give the accounts that a backup brings back."""
        folder = temporary_folder(self)
        place = Place(folder, folder / "xmppd.sqlite", None)
        with file.open("rb") as backup:
            restore(backup, file.stat().st_size, place, False, nothing, NOW)
        return accounts(place)

    def names(self) -> list[str]:
        """Give what is in the folder of backups."""
        return sorted(os.listdir(self.target))

    def test_what_is_in_it(self) -> None:
        """The data file and all else that is not made anew, the configuration; no lock, log, index of words."""
        config = self.folder / "xmppd.toml"
        config.write_text("# mine")
        self.place = replace(self.place, configuration=config)
        made = self.make()
        with tarfile.open(made.file) as tar:
            names = tar.getnames()
            listed = tar.extractfile("manifest.json")
            assert listed is not None
            manifest = json.load(listed)
        self.assertEqual(
            names,
            [
                "xmppd.sqlite",
                "configuration/xmppd.toml",
                "data/secret",
                "data/certificates/a.crt",
                "data/uploads/ab/file",
                "manifest.json",
            ],
        )
        self.assertEqual(manifest["accounts"], {"a.example": 2})
        self.assertEqual([each["name"] for each in manifest["members"]], names[:-1])
        self.assertEqual(made.file.stat().st_mode & 0o777, 0o600)

    def test_in_a_folder(self) -> None:
        """Its name says when it was; of several the newest stay, and what is none of ours stays, too."""
        (self.target / "mine.txt").write_text("x")
        for day in range(4):
            made = self.make("", keep=2, now=NOW + day * 86_400)
        self.assertEqual(
            self.names(), ["mine.txt", "xmppd-20260923T141320Z.tar.gz", "xmppd-20260924T141320Z.tar.gz"]
        )
        self.assertEqual([each.name for each in made.removed], ["xmppd-20260922T141320Z.tar.gz"])

    def test_what_is_refused(self) -> None:
        """A file that is there, a name of another kind, --keep for a file; nothing is made then."""
        self.make()
        for name, keep in (("x.tar", None), ("x.zip", None), ("y.tar", 3)):
            self.assertRaises(BackupError, self.make, name, keep)
        self.assertEqual(self.names(), ["x.tar"])

    def test_damage_is_seen(self) -> None:
        """A data file that is damaged makes no backup that pretends to be one."""
        data = bytearray(self.place.database.read_bytes())
        data[8_192 + 100 :] = os.urandom(len(data) - 8_192 - 100)
        self.place.database.write_bytes(data)
        self.assertRaises(StorageFailed, self.make)
        self.assertEqual(self.names(), [])

    def test_progress(self) -> None:
        """It grows from nothing to all."""
        told: list[float] = []
        make(self.place, self.target, None, lambda done, total: told.append(done / total), NOW)
        self.assertEqual(told, sorted(told))
        self.assertEqual(told[-1], 1.0)

    def test_killed(self) -> None:
        """promises#backup: SIGKILL at any touch of a file leaves no half of a backup, and the next one clears up."""
        deaths = 0
        for _ in dying(lambda: make(self.place, self.target / "k.tar", None, nothing, NOW), self.target):
            deaths += 1
            self.assertEqual(accounts(self.place), {"romeo", "juliet"})
            shown = [name for name in self.names() if not name.startswith(".")]
            self.assertLessEqual(len(shown), 1)
            for name in shown:  # killed behind the last step
                self.assertEqual(self.accounts_in(self.target / name), {"romeo", "juliet"})
                (self.target / name).unlink()
        self.assertGreater(deaths, 5)
        self.assertEqual(self.names(), ["k.tar"])

    def test_of_a_killed_server(self) -> None:
        """What is in the log alone is in the backup."""
        place = make_data(self.folder / "killed", "tybalt", has_log=True)
        made = make(place, self.target / "w.tar", None, nothing, NOW)
        self.assertEqual(made.manifest.accounts, {"a.example": 1})

    def test_restored_elsewhere(self) -> None:
        """promises#backup: an empty folder has all of it afterwards."""
        made = self.make("y.tar.gz")
        folder = self.folder / "elsewhere"
        folder.mkdir()
        place = replace(self.place, data_dir=folder, database=folder / "xmppd.sqlite")
        with made.file.open("rb") as file:
            restored = restore(file, made.size, place, False, nothing, NOW)
        self.assertEqual((accounts(place), restored.aside), ({"romeo", "juliet"}, None))
        for name in ("secret", "certificates/a.crt", "uploads/ab/file"):
            self.assertEqual((folder / name).read_text(), (self.place.data_dir / name).read_text())
        self.assertFalse((folder / "xmppd.sqlite.words").exists())
        self.assertEqual([each for each in os.listdir(folder) if each.startswith(".")], [])
