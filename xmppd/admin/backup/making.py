"""``xmppctl backup``: a copy of the data of one moment, and of what belongs to them, in one file.

It is made by xmppctl and not by the server: the data file is read as any reader of it does, the server's memory and
processor are left alone, and the file belongs to who has asked for it. Certificates that are not in the data folder are
left out: whoever renews them keeps them.
"""

import hashlib
import io
import os
import shutil
import stat
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from xmppd import __version__
from xmppd.admin.backup.manifest import CONFIGURATION, DATA, DATABASE, MANIFEST, BackupError, Manifest, Member
from xmppd.storage.lock import LOCK_NAME
from xmppd.storage.sqlite.copying import check_copy, copy_database
from xmppd.storage.sqlite.hosts import accounts_by_host

PREFIX: Final = "xmppd-"
SUFFIXES: Final = (".tar", ".tar.gz", ".tgz")
STAGING: Final = ".xmppctl-backup-"
ASIDE: Final = "before-restore-"
RESTORING: Final = ".restore"
LOOK_S: Final = 30.0
"""So long the copy is looked through for damage."""
_MODE: Final = 0o600
_CHUNK: Final = 1024 * 1024
_OF_DATABASE: Final = ("-wal", "-shm", ".words", ".words-wal", ".words-shm", ".partial")
_NOT_KEPT: Final = (".log", ".pid", ".new", ".partial", ".sock")

Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    file: Path
    size: int
    manifest: Manifest
    skipped: tuple[str, ...]
    """Files that have gone or changed while they were copied."""
    removed: tuple[Path, ...]
    """Older backups that were removed."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is backed up: a data folder, the data file, the configuration if there is a file of it."""

    data_dir: Path
    database: Path
    configuration: Path | None
    log: Path | None = None


def target_of(path: Path, now: float) -> Path:
    """Give the file that a backup to *path* is: in a folder one with the time in its name. `BackupError`."""
    if path.is_dir():
        return path / f"{PREFIX}{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}.tar.gz"
    if not path.name.endswith(SUFFIXES):
        raise BackupError(f"{path}: give a folder that is there, or a file named *.tar or *.tar.gz")
    if path.exists():
        raise BackupError(f"{path} is there already: give another name, or a folder")
    return path


def make(place: Place, path: Path, keep: int | None, on_progress: Progress, now: float) -> Made:
    """Make a backup of *place* in *path*, a file or folder; with *keep* so many stay in the folder.

    `BackupError`, `StorageError`, OSError; then there is none, and what there was is as it was.
    """
    if keep is not None and not path.is_dir():
        raise BackupError("--keep is for a folder")
    target = target_of(path, now)
    partial = target.with_name(f".{target.name}.partial")
    _clear(target.parent)
    with _staging(target.parent) as staging:
        copy = staging / DATABASE
        copied = _Progress(on_progress)
        copy_database(place.database, copy, copied.copied)
        check_copy(copy, LOOK_S)
        packing = _Packing(place, partial, copied)
        try:
            manifest = packing.pack(copy, accounts_by_host(copy), now)
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    _sync_folder(target.parent)
    removed = () if keep is None else tuple(_remove_older(target.parent, keep))
    return Made(target, target.stat().st_size, manifest, tuple(packing.skipped), removed)


class _Progress:
    """Copying is the first half, packing the second."""

    def __init__(self, told: Progress):
        self._told = told
        self.size = 0

    def copied(self, done: int, total: int) -> None:
        """So many pages."""
        self._told(done, 2 * total)

    def packed(self, done: int) -> None:
        """So many bytes of the data file."""
        self._told(self.size + done, 2 * self.size)


class _Packing:
    """The tar file as it is written."""

    def __init__(self, place: Place, target: Path, progress: _Progress):
        self._place = place
        self._target = target
        self._progress = progress
        self._members: list[Member] = []
        self.skipped: list[str] = []

    def pack(self, copy: Path, accounts: dict[str, int], now: float) -> Manifest:
        """Write all of it, and have it on disk."""
        self._progress.size = copy.stat().st_size
        self._target.unlink(missing_ok=True)
        mode = "w" if self._target.name.endswith(".tar.partial") else "w:gz"
        with os.fdopen(os.open(self._target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
            with tarfile.open(fileobj=file, mode=mode, format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]  # the mode is one of two
                self._add(tar, copy, DATABASE)
                for found, name in _kept(self._place):
                    self._try(tar, found, name)
                manifest = Manifest(__version__, now, accounts, tuple(self._members))
                content = manifest.to_json()
                tar.addfile(_info(MANIFEST, len(content)), io.BytesIO(content))
            file.flush()
            os.fsync(file.fileno())
        return manifest

    def _try(self, tar: tarfile.TarFile, file: Path, name: str) -> None:
        """A file that goes meanwhile is none that has to be kept."""
        try:
            self._add(tar, file, name)
        except FileNotFoundError:
            self.skipped.append(name)

    def _add(self, tar: tarfile.TarFile, file: Path, name: str) -> None:
        with file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            summed = _Summed(stream, size, self._progress.packed if name == DATABASE else lambda done: None)
            tar.addfile(_info(name, size), summed)  # type: ignore[arg-type]  # it reads alone
        self._members.append(Member(name, size, summed.sum.hexdigest()))
        if summed.is_short:
            self.skipped.append(name)
            self._members.pop()


class _Summed:
    """So many bytes of a file, summed as they are read; of one that got shorter the rest is zeros."""

    def __init__(self, stream: BinaryIO, size: int, told: Callable[[int], object]):
        self._stream = stream
        self._left = self._size = size
        self._told = told
        self.sum = hashlib.sha256()
        self.is_short = False

    def read(self, size: int) -> bytes:
        """Give the next bytes."""
        data = self._stream.read(min(size, self._left))
        if not data and self._left:
            self.is_short = True
            data = bytes(min(size, self._left))
        self._left -= len(data)
        self.sum.update(data)
        self._told(self._size - self._left)
        return data


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, _MODE, int(time.time())
    return info


def _kept(place: Place) -> Iterator[tuple[Path, str]]:
    """What there is beside the data file: in the data folder, and the configuration."""
    if place.configuration is not None:
        yield place.configuration, CONFIGURATION + place.configuration.name
    for folder, folders, files in os.walk(place.data_dir):
        folders[:] = sorted(
            each for each in folders if not each.startswith((STAGING, RESTORING, ASIDE, ".xmppctl-"))
        )
        for each in sorted(files):
            file = Path(folder) / each
            if not _is_made_anew(file, place) and stat.S_ISREG(file.lstat().st_mode):
                yield file, DATA + file.relative_to(place.data_dir).as_posix()


def _is_made_anew(file: Path, place: Place) -> bool:
    name = file.name
    if name == LOCK_NAME or name.endswith(_NOT_KEPT) or file == place.log:
        return True
    database = place.database.name
    is_beside = file.parent == place.database.parent and name.startswith(database)
    rest = name.removeprefix(database)
    return is_beside and (rest in ("", *_OF_DATABASE) or rest.startswith(".version-"))


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder beside the backup, for us alone, whose name says whose it is."""
    with tempfile.TemporaryDirectory(prefix=f"{STAGING}{os.getpid()}-", dir=folder) as staging:
        yield Path(staging)


def _clear(folder: Path) -> None:
    """Remove what a killed backup has left."""
    for each in folder.glob(f"{STAGING}*"):
        pid = each.name.removeprefix(STAGING).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(each, ignore_errors=True)


def backups_in(folder: Path) -> list[Path]:
    """Give the backups that have their name from us, the oldest first: their names sort by time."""
    return sorted(each for suffix in SUFFIXES for each in folder.glob(f"{PREFIX}*Z{suffix}"))


def _remove_older(folder: Path, keep: int) -> Iterator[Path]:
    """Let the newest stay."""
    found = backups_in(folder)
    for each in found[: max(0, len(found) - keep)]:
        each.unlink(missing_ok=True)
        yield each


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
