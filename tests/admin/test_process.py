"""What twistd does to the process is tried before anything is told."""

import os
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.process import (
    check_pid_file,
    run_folder,
    user_number,
    user_to_serve,
)
from xmppd.admin.rights import User, rights_of
from xmppd.admin.working_folder import CannotRun, check_working_folder

NOBODY = 65_534


class ProcessTests(SynchronousTestCase):
    """Working folder, pid file and user."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        before = Path.cwd()
        self.addCleanup(os.chdir, before)

    def as_nobody(self) -> User:
        """Give somebody without rights, where we can become that."""
        if os.geteuid() != 0:
            raise SkipTest("only root can act as another user")
        return User.of(NOBODY)

    def test_working_folder_that_may_not_be_entered(self) -> None:
        """As after ``cd /root; sudo -u xmppd …``: the server runs in / then; one that was named is refused."""
        nobody = self.as_nobody()
        os.chdir(self.folder)
        with rights_of(nobody):
            self.assertEqual(run_folder("."), "/")
            error = self.assertRaises(CannotRun, run_folder, str(self.folder))
        self.assertRegex(
            str(error), rf"\A--rundir={self.folder} cannot be .* may not enter {self.folder} \(mode 07"
        )
        self.assertEqual(run_folder("."), ".")

    def test_working_folder_that_is_gone(self) -> None:
        """Nothing relative to it means anything."""
        os.chdir(self.folder)
        check_working_folder()
        self.folder.rmdir()
        error = self.assertRaises(CannotRun, check_working_folder)
        self.assertIn("somebody has removed it", str(error))

    def test_pid_file(self) -> None:
        """Whether it can be written is told with the reason."""
        check_pid_file(self.folder / "pid")
        self.assertIn("it is a folder; name", str(self.assertRaises(CannotRun, check_pid_file, self.folder)))
        missing = self.folder / "none" / "pid"
        self.assertIn(
            "cannot be written: there is no such file or folder;",
            str(self.assertRaises(CannotRun, check_pid_file, missing)),
        )
        nobody = self.as_nobody()
        with rights_of(nobody):
            error = self.assertRaises(CannotRun, check_pid_file, self.folder / "pid")
        self.assertRegex(
            str(error), r"may not (use|enter) .* \(mode 0700, of root\); name another with --pidfile=FILE"
        )

    def test_users(self) -> None:
        """By name or number; who we are already is nobody else."""
        self.assertEqual(user_number("root"), 0)
        self.assertEqual(user_number("1234"), 1234)
        self.assertRaises(ValueError, user_number, "no such")
        self.assertIsNone(user_to_serve(None, None))
        self.assertIsNone(user_to_serve(os.geteuid(), None))

    def test_rights_of_another(self) -> None:
        """What is made belongs to the other, groups and all; afterwards all is as before."""
        nobody = self.as_nobody()
        self.folder.chmod(0o777)
        groups = os.getgroups()
        with rights_of(nobody):
            (self.folder / "made").touch()
            self.assertNotIn(0, [os.getegid(), *os.getgroups()])
        found = (self.folder / "made").stat()
        self.assertEqual((found.st_uid, found.st_gid), (NOBODY, nobody.gid))
        self.assertEqual((os.geteuid(), os.getegid(), os.getgroups()), (0, 0, groups))
