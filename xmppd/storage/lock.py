"""The lock on a data folder: at most one process works with it."""

import fcntl
import os
from pathlib import Path

LOCK_NAME = "xmppd.lock"


class DataLocked(Exception):
    """Another process works with the data folder; `pid` is its number, None where it has not said so yet."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{who} already works with the data folder {data_dir}: stop it, or use another data_dir"
        )
        self.pid = pid


class DataLock:
    """An exclusive lock (flock) on a file in the data folder, with our process number in it.

    Held across a fork by both; released when the last of them lets go or ends, however it ends.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._file = -1

    @property
    def is_held(self) -> bool:
        """True between `acquire` and `release`."""
        return self._file >= 0

    def acquire(self) -> None:
        """Take the lock.

        Waits for nobody. Raises `DataLocked`, or OSError where the folder cannot be written.
        """
        if self.is_held:
            return
        file = os.open(self._data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = _pid_in(file)
            os.close(file)
            if isinstance(error, BlockingIOError):
                raise DataLocked(self._data_dir, pid) from None
            raise
        self._file = file
        self.write_pid()

    def write_pid(self) -> None:
        """Put the number of the calling process into the file.

        Once more after a fork, by the child that stays.
        """
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let go. The file stays, since to remove it would let two processes lock two files of one name."""
        if self.is_held:
            os.close(self._file)
            self._file = -1


def _pid_in(file: int) -> int | None:
    text = os.pread(file, 20, 0).strip()
    return int(text) if text.isdigit() else None
