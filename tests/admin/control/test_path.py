"""Where the control socket is."""

import os
import socket
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.control.path import MAX_PATH_BYTES, foreign_folder, socket_path


class SocketPathTests(SynchronousTestCase):
    """`socket_path` and `foreign_folder`."""

    def setUp(self) -> None:
        """A data folder."""
        self.data_dir = temporary_folder(self)

    def deep(self, length: int) -> Path:
        """Make a data folder whose own path has so many bytes."""
        folder = self.data_dir.resolve()
        while len(os.fsencode(folder)) < length:
            folder /= "d" * min(100, max(1, length - len(os.fsencode(folder)) - 1))
        folder.mkdir(parents=True)
        return folder

    def test_in_the_data_folder(self) -> None:
        """Normally the socket is in the data folder."""
        self.assertEqual(socket_path(self.data_dir), self.data_dir.resolve() / "control.sock")

    def test_relative_and_absolute_agree(self) -> None:
        """The server and the client may name the folder differently, also through a link."""
        link = self.data_dir / "link"
        link.symlink_to(self.data_dir)
        self.assertEqual(socket_path(link), socket_path(str(self.data_dir) + "/."))

    def test_longest_path_can_be_bound(self) -> None:
        """107 bytes are the most that a UNIX socket's path may have."""
        path = socket_path(self.deep(MAX_PATH_BYTES - len("/control.sock")))
        self.assertEqual(len(os.fsencode(path)), MAX_PATH_BYTES)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))

    def test_deep_folder_has_a_short_way(self) -> None:
        """Where the data folder lies too deep, both sides find the same short path, another for each folder."""
        one, other = self.deep(MAX_PATH_BYTES), self.deep(200)
        self.assertEqual(socket_path(one), socket_path(one))
        self.assertNotEqual(socket_path(one), socket_path(other))
        self.assertLess(len(os.fsencode(socket_path(one))), MAX_PATH_BYTES)
        self.assertIn(f"xmppd-{os.getuid()}-", str(socket_path(one)))

    def test_own_folder_is_trusted(self) -> None:
        """The data folder itself, or a folder that is not there yet, is no reason for doubt."""
        self.assertIsNone(foreign_folder(socket_path(self.data_dir), self.data_dir))
        deep = self.deep(200)
        self.assertIsNone(foreign_folder(socket_path(deep), deep))

    def test_folder_open_to_others_is_not_trusted(self) -> None:
        """Anybody may make names in /tmp: a folder there that others can enter is not used."""
        deep = self.deep(200)
        folder = self.data_dir / "short"
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        self.assertEqual(foreign_folder(folder / "control.sock", deep), f"{folder} is open to others")
        folder.chmod(0o700)
        self.assertIsNone(foreign_folder(folder / "control.sock", deep))

    def test_link_in_its_place_is_not_trusted(self) -> None:
        """A link that somebody laid where the folder should be is not followed."""
        deep = self.deep(200)
        link = self.data_dir / "link"
        link.symlink_to(deep)
        self.assertEqual(foreign_folder(link / "control.sock", deep), f"{link} belongs to somebody else")
