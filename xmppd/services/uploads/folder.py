"""Where uploaded files lie: under their ids, and on their way from or to there in the folder ``moving``.

A file comes and goes by way of ``moving``, so that one that is killed half-way leaves nothing that is served:

========================  ===================================  ====================================
what happens              a new file                           a file that is removed
========================  ===================================  ====================================
1                         written in ``moving``, with fsync    moved to ``moving``
2                         its record is committed              the deletion of its record is committed
3                         moved to its place                   removed
========================  ===================================  ====================================

A start looks at what is in ``moving``: with a record it goes to its place, without one it is removed. What is called
here runs in a thread.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from xmppd.services.uploads.errors import DiskFull

MOVING: Final = "moving"
SHARD_CHARS: Final = 2
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
HEAD_BYTES: Final = 512
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UploadFolder:
    """The folder of all uploaded files."""

    def __init__(self, path: Path):
        """Nothing is made before the first file comes."""
        self._path = path

    def place_of(self, id: str) -> Path:
        """Give where the file *id* lies; ids are of our own making."""
        return self._path / id[:SHARD_CHARS] / id

    def create(self, id: str) -> BinaryIO:
        """Begin a file in ``moving``; raises `DiskFull`."""
        try:
            moving = self._moving(id)
            moving.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            descriptor = os.open(moving, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            return os.fdopen(descriptor, "wb")
        except OSError as error:
            raise as_full(error) from error

    def settle(self, id: str) -> None:
        """Move a file from ``moving`` to its place, for good; raises OSError."""
        place = self.place_of(id)
        place.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        os.rename(self._moving(id), place)
        for folder in (place.parent, self._path / MOVING, self._path):
            sync_folder(folder)

    def lift(self, id: str) -> None:
        """Move a file from its place to ``moving``; what is not there is passed over."""
        with suppress(FileNotFoundError):
            os.rename(self.place_of(id), self._moving(id))

    def drop(self, id: str) -> None:
        """Remove a file from ``moving``."""
        self._moving(id).unlink(missing_ok=True)

    def in_motion(self) -> list[tuple[str, int]]:
        """Give what is in ``moving``, each with its size."""
        return list(self._in_motion())

    def free_bytes(self) -> int:
        """Give what the disk has left for us; of a folder that is not there yet, where it would be."""
        there = next(folder for folder in (self._path, *self._path.parents) if folder.exists())
        disk = os.statvfs(there)
        return disk.f_bavail * disk.f_frsize

    def _in_motion(self) -> Iterator[tuple[str, int]]:
        with suppress(FileNotFoundError):
            for entry in os.scandir(self._path / MOVING):
                if entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False).st_size

    def _moving(self, id: str) -> Path:
        return self._path / MOVING / id


def write(file: BinaryIO, data: bytes) -> None:
    """Write *data* behind what was written; raises `DiskFull`."""
    try:
        file.write(data)
    except OSError as error:
        raise as_full(error) from error


def finish(file: BinaryIO) -> None:
    """Have all that was written on the disk, and close; raises `DiskFull`."""
    try:
        with file:
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise as_full(error) from error


def abandon(file: BinaryIO) -> None:
    """Close a file that is of no use any more, whatever is wrong with it."""
    with suppress(OSError):
        file.close()


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def as_full(error: OSError) -> DiskFull:
    """Give an error of the disk as one of an upload."""
    if error.errno in _FULL:
        return DiskFull("There is no room on the disk")
    return DiskFull(f"The disk cannot be written: {error.strerror or error}")
