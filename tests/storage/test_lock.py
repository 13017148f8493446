"""The lock on a data folder."""

import os
import signal

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.storage.lock import LOCK_NAME, DataLock, DataLocked


class DataLockTests(SynchronousTestCase):
    """`DataLock`."""

    def setUp(self) -> None:
        """A folder."""
        self.folder = temporary_folder(self)

    def test_a_second_lock_is_refused_with_the_holder(self) -> None:
        """promises#one-server-a-folder: who comes second is told the first one's process number, in one line."""
        lock = DataLock(self.folder)
        lock.acquire()
        self.addCleanup(lock.release)
        lock.acquire()
        with self.assertRaises(DataLocked) as raised:
            DataLock(self.folder).acquire()
        self.assertEqual(raised.exception.pid, os.getpid())
        self.assertIn(f"process {os.getpid()}", str(raised.exception))

    def test_a_released_lock_is_free(self) -> None:
        """After a release, or with a stale file, the lock can be had."""
        (self.folder / LOCK_NAME).write_text("123456789 is no process\n")
        for _ in range(2):
            lock = DataLock(self.folder)
            lock.acquire()
            self.assertTrue(lock.is_held)
            self.assertEqual((self.folder / LOCK_NAME).read_text(), f"{os.getpid()}\n")
            lock.release()
            lock.release()
            self.assertFalse(lock.is_held)

    def test_a_holder_that_has_not_said_its_number(self) -> None:
        """A file without a number still locks."""
        lock = DataLock(self.folder)
        lock.acquire()
        self.addCleanup(lock.release)
        (self.folder / LOCK_NAME).write_text("")
        with self.assertRaises(DataLocked) as raised:
            DataLock(self.folder).acquire()
        self.assertIsNone(raised.exception.pid)

    def test_a_fork_keeps_the_lock(self) -> None:
        """The lock stays with the child that stays, though the parent let go; it ends with the child."""
        lock = DataLock(self.folder)
        lock.acquire()
        ready, tell = os.pipe()
        child = os.fork()
        if not child:
            try:
                lock.write_pid()
                os.write(tell, b"x")
                signal.pause()
            finally:
                os._exit(1)
        try:
            self.assertEqual(os.read(ready, 1), b"x")
            lock.release()
            with self.assertRaises(DataLocked) as raised:
                DataLock(self.folder).acquire()
            self.assertEqual(raised.exception.pid, child)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(ready)
            os.close(tell)
        again = DataLock(self.folder)
        again.acquire()
        again.release()
