"""Why a path cannot be had, in words that tell "not there" from "not permitted"."""

import errno
import os
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.rights import User, rights_of
from xmppd.config.obstacles import (
    Obstacle,
    obstacle_to,
    obstacle_to_reading,
    obstacle_to_writing,
    user_name,
)

NOBODY = 65_534


class ObstacleTests(SynchronousTestCase):
    """What the system says, and which part of the path it is about."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.folder.chmod(0o755)

    def told(self, obstacle: Obstacle | None) -> tuple[Path, str]:
        """Give the part of the path and the reason."""
        assert obstacle is not None
        return obstacle.at, obstacle.why

    def as_nobody(self) -> User:
        """Give somebody without rights, where we can become that."""
        if os.geteuid() != 0:
            raise SkipTest("only root can act as another user")
        return User.of(NOBODY)

    def test_not_there(self) -> None:
        """The first part that is missing is named; a link that leads nowhere, with where it leads."""
        folder = self.folder
        self.assertEqual(
            self.told(obstacle_to(folder / "a/b")), (folder / "a", f"there is no {folder / 'a'}")
        )
        self.assertEqual(
            self.told(obstacle_to(folder / "a")), (folder / "a", "there is no such file or folder")
        )
        (folder / "link").symlink_to("/nowhere")
        self.assertEqual(
            self.told(obstacle_to(folder / "link"))[1],
            "there is no such file or folder (it leads to /nowhere)",
        )

    def test_no_folder(self) -> None:
        """A file where a folder should be."""
        (self.folder / "f").touch()
        at, why = self.told(obstacle_to(self.folder / "f/x/y"))
        self.assertEqual((at, why), (self.folder / "f", f"{self.folder / 'f'} is a file and no folder"))

    def test_closed_folder(self) -> None:
        """It is told apart from one in which nothing is, with its mode and owner."""
        closed = self.folder / "closed"
        (closed / "deep").mkdir(parents=True)
        closed.chmod(0)
        with rights_of(self.as_nobody()):
            found = self.told(obstacle_to(closed / "deep" / "x"))
            there = obstacle_to(closed)
        who = user_name(NOBODY)
        self.assertEqual(found, (closed, f"the user {who} may not enter {closed} (mode 0000, of root)"))
        self.assertIsNone(there)

    def test_file_of_another(self) -> None:
        """It may be looked at, and neither read nor written."""
        file = self.folder / "key"
        file.touch(0o600)
        nobody = self.as_nobody()
        with rights_of(nobody):
            self.assertIsNone(obstacle_to(file))
            reading, writing = obstacle_to_reading(file), obstacle_to_writing(file)
            folder = obstacle_to_writing(self.folder)
        why = f"the user {user_name(NOBODY)} may not use {file} (mode 0600, of root)"
        self.assertEqual(self.told(reading), (file, why))
        self.assertEqual(self.told(writing), (file, why))
        self.assertIn(f"may not use {self.folder} (mode 0755, of root)", self.told(folder)[1])

    def test_folder_that_may_be_read_and_not_entered(self) -> None:
        """Its names can be seen, and nothing in it be used."""
        self.folder.chmod(0o744)
        with rights_of(self.as_nobody()):
            why = self.told(obstacle_to_reading(self.folder))[1]
        self.assertIn(f"may not enter {self.folder} (mode 0744", why)

    def test_read_only_file_system(self) -> None:
        """It is no question of rights."""
        error = OSError(errno.EROFS, os.strerror(errno.EROFS))
        obstacle = Obstacle.of(Path("/proc/x"), error)
        self.assertEqual(obstacle.why, "its file system (at /proc) is read-only")
        self.assertIn("mount -o remount,rw /proc", obstacle.remedy)

    def test_nothing_is_left(self) -> None:
        """Trying to write in a folder makes nothing that anybody sees."""
        self.assertIsNone(obstacle_to_writing(self.folder))
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_what_nobody_thought_of(self) -> None:
        """The system's own words."""
        obstacle = Obstacle.of(Path("/x"), OSError(errno.ELOOP, os.strerror(errno.ELOOP)))
        self.assertEqual(obstacle.why, "too many levels of symbolic links")
