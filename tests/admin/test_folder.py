"""The data folder and its secret."""

import os
import stat

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.folder import FolderError, FolderOfAnother, make_data_folder, mode_for_others, server_secret
from xmppd.config.obstacles import user_name


class FolderTests(SynchronousTestCase):
    """A folder that is made on the first start."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self) / "deep" / "data"

    def test_made_for_its_user_alone(self) -> None:
        """Mode 0700; once it is there, it is left alone."""
        make_data_folder(self.folder)
        self.assertEqual(stat.S_IMODE(self.folder.stat().st_mode), 0o700)
        self.assertIsNone(mode_for_others(self.folder))
        self.folder.chmod(0o750)
        self.assertEqual(mode_for_others(self.folder), 0o750)
        make_data_folder(self.folder)
        self.assertEqual(stat.S_IMODE(self.folder.stat().st_mode), 0o750)

    def test_cannot_be_made(self) -> None:
        """One line names the path, the reason and the remedy."""
        self.folder.parent.write_text("a file")
        error = self.assertRaises(FolderError, make_data_folder, self.folder)
        self.assertIn(f"{self.folder} cannot be made: ", str(error))
        self.assertIn("set data_dir", str(error))

    def test_of_another_user(self) -> None:
        """Root does not work in it either: it would leave files behind that the owner cannot use."""
        make_data_folder(self.folder)
        self.patch(os, "geteuid", lambda: 54321)
        error = self.assertRaises(FolderOfAnother, make_data_folder, self.folder)
        owner = user_name(self.folder.stat().st_uid)
        self.assertIn(f"{self.folder} belongs to the user {owner} and we are 54321: run as", str(error))

    def test_secret_is_made_once(self) -> None:
        """Unknown users look the same after a restart; nobody else can read it."""
        make_data_folder(self.folder)
        secret = server_secret(self.folder)
        self.assertEqual(server_secret(self.folder), secret)
        self.assertEqual(len(secret), 32)
        self.assertEqual(stat.S_IMODE((self.folder / "secret").stat().st_mode), 0o600)

    def test_secret_that_was_cut_short(self) -> None:
        """A weak secret is worse than a new one; the operator decides."""
        make_data_folder(self.folder)
        (self.folder / "secret").write_bytes(b"short")
        self.assertRaises(FolderError, server_secret, self.folder)
