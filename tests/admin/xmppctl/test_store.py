"""Why the store may not be opened; each reason is a line. What it does once open: `test_process`."""

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.control.path import socket_path
from xmppd.admin.control.wire import ControlError
from xmppd.admin.folder import who
from xmppd.admin.xmppctl.store import open_store
from xmppd.storage.lock import DataLock


class OpenStoreTests(SynchronousTestCase):
    """`open_store` where it fails."""

    def setUp(self) -> None:
        """A data folder, and a configuration file to write."""
        self.data_dir = temporary_folder(self)
        self.config = temporary_folder(self) / "xmppd.toml"

    def refusal(self, config: Path | None = None, env: Mapping[str, str] | None = None) -> ControlError:
        """Give the reason for which the store is not opened; the lock is free afterwards."""
        given = {"XMPPD_DATA": str(self.data_dir)} if env is None else env
        error: ControlError = self.assertRaises(ControlError, open_store, config, given)
        return error

    def test_lock_is_held(self) -> None:
        """A process that holds the data and does not answer is named."""
        lock = DataLock(self.data_dir)
        lock.acquire()
        self.addCleanup(lock.release)
        error = self.refusal()
        self.assertEqual(error.id, "locked")
        self.assertEqual(
            error.message,
            f"process {os.getpid()} works with {self.data_dir}, but nobody answers on {socket_path(self.data_dir)}; "
            "if it is just starting or stopping, try again, else stop it",
        )

    def test_nothing_is_kept(self) -> None:
        """With ``memory:`` there is nothing to work on."""
        self.config.write_text(f'data_dir = "{self.data_dir}"\n[storage]\nurl = "memory:"\n')
        self.assertEqual(self.refusal(self.config).id, "no-store")

    def test_broken_configuration(self) -> None:
        """All mistakes, each on its line with its place."""
        self.config.write_text(f'data_dir = "{self.data_dir}"\nadmin = 1\n[hosts."a b"]\n')
        error = self.refusal(self.config)
        self.assertEqual(error.id, "config-errors")
        self.assertEqual([line.split(":")[1] for line in error.message.splitlines()], ["2", "3"])

    def test_folder_of_another_user(self) -> None:
        """Root would leave files behind that the server cannot write."""
        self.patch(os, "geteuid", lambda: 54321)
        error = self.refusal()
        self.assertEqual(error.id, "not-owner")
        self.assertIn(f"sudo -u {who(os.getuid())} xmppctl", error.message)

    def test_folder_that_cannot_be(self) -> None:
        """A file in its place, or in the place of a folder around it."""
        file = self.data_dir / "file"
        file.touch()
        for path in (file, file / "below"):
            error = self.refusal(env={"XMPPD_DATA": str(path)})
            self.assertEqual(error.id, "no-data-folder", error.message)

    def test_data_of_a_newer_program(self) -> None:
        """They are refused, and the lock is let go."""
        with sqlite3.connect(self.data_dir / "xmppd.sqlite") as connection:
            connection.execute("PRAGMA user_version = 9999")
        connection.close()
        self.assertEqual(self.refusal().id, "storage-failed")
        lock = DataLock(self.data_dir)
        lock.acquire()
        lock.release()
