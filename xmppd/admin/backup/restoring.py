"""``xmppctl restore``: a backup in the place of the data, for a server that is stopped.

Rules that live here: all of the backup is unpacked beside the data and checked, sum by sum and page by page, before
anything is touched. The data file is put in its place by one rename, when nothing is left in a log beside the old one
that could get into the new one. What was there is kept in a folder. Killed at any moment, there is one whole data file:
the old one, or that of the backup; and a second run completes it.
"""

import hashlib
import os
import shutil
import sqlite3
import tarfile
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO, Final

from xmppd.admin.backup.making import ASIDE, RESTORING, Place, Progress
from xmppd.admin.backup.manifest import (
    DATA,
    DATABASE,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    BackupError,
    Manifest,
    Member,
)
from xmppd.admin.rights import ROOT
from xmppd.storage.sqlite.copying import check_copy
from xmppd.storage.sqlite.foreign_log import foreign_log
from xmppd.storage.sqlite.header import NEWEST, read_header

LOOK_S: Final = 3_600.0
_CHUNK: Final = 1024 * 1024
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_LOGS: Final = ("-wal", "-shm")
_WORDS: Final = (".words", ".words-wal", ".words-shm")
_MAX_NAME: Final = 4_096


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that was put back."""

    manifest: Manifest
    aside: Path | None
    """Where what was there is now."""


def restore(
    backup: BinaryIO, size: int, place: Place, is_replacing: bool, on_progress: Progress, now: float
) -> Restored:
    """Put *backup*, an open file of so many bytes, in the place of what is there; the lock is held.

    `BackupError`, `StorageError`, OSError; then what was there is as it was.
    """
    has_data = place.database.exists() and place.database.stat().st_size > 0
    if has_data and not is_replacing:
        raise BackupError(
            f"there are data in {place.database}: with --replace the backup takes their place, and they are kept aside"
        )
    staging = place.data_dir / RESTORING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=_FOLDER_MODE)
    try:
        manifest = _unpack(backup, size, staging, on_progress)
        _check_database(staging / DATABASE)
        _give_away(staging, place.data_dir)
        aside = _put_in_place(staging, manifest, place, now)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Restored(manifest, aside)


# -- unpacking and checking -------------------------------------------------------------------------------------------


def _unpack(backup: BinaryIO, size: int, staging: Path, on_progress: Progress) -> Manifest:
    sums: dict[str, Member] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(fileobj=_Told(backup, size, on_progress), mode="r|*") as tar:  # type: ignore[call-overload]  # it reads alone
            for info in tar:
                content = tar.extractfile(info) if info.isreg() else None
                if content is None or len(info.name) > _MAX_NAME:
                    raise BackupError(f"it holds {info.name[:80]!r}, which is no file")
                if info.name == MANIFEST:
                    manifest = Manifest.from_json(content.read(MAX_MANIFEST_BYTES))
                else:
                    sums[info.name] = _unpacked(content, info.name, staging)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BackupError(f"it is no backup, or was cut short: {error}") from error
    if manifest is None:
        raise BackupError("it was cut short: its list is missing")
    for member in manifest.members:
        if sums.get(member.name) != member:
            raise BackupError(f"{member.name} in it is damaged")
    if DATABASE not in sums:
        raise BackupError("it has no data file")
    return manifest


def _unpacked(content: IO[bytes], name: str, staging: Path) -> Member:
    """Write a member to disk; where it lies is decided by its number, and its name is checked with the list."""
    target = _staged(staging, name)
    target.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
    summed, size = hashlib.sha256(), 0
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE), "wb") as file:
        while data := content.read(_CHUNK):
            summed.update(data)
            size += len(data)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return Member(name, size, summed.hexdigest())


def _staged(staging: Path, name: str) -> Path:
    """Where a member is unpacked to: under a name that means nothing."""
    return staging / (
        DATABASE if name == DATABASE else hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    )


class _Told:
    """A file that says how far it was read."""

    def __init__(self, file: BinaryIO, size: int, told: Progress):
        self._file = file
        self._size = size
        self._told = told
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        data = self._file.read(size)
        self._done += len(data)
        self._told(self._done, self._size)
        return data


def _check_database(file: Path) -> None:
    header = read_header(file)
    if not header.is_ours:
        raise BackupError("its data file is none of xmppd")
    if header.version > NEWEST:
        raise BackupError(
            f"its data file has version {header.version}, this program knows {NEWEST}: use a newer xmppd"
        )
    check_copy(file, LOOK_S)


def _give_away(staging: Path, data_dir: Path) -> None:
    """Root leaves nothing behind that the server's user cannot use."""
    owner = data_dir.stat()
    if os.geteuid() == ROOT and owner.st_uid != ROOT:
        for folder, folders, files in os.walk(staging):
            for each in (*folders, *files):
                os.chown(Path(folder) / each, owner.st_uid, owner.st_gid)


# -- putting it in place ----------------------------------------------------------------------------------------------


def _put_in_place(staging: Path, manifest: Manifest, place: Place, now: float) -> Path | None:
    aside = _Aside(place, now)
    database = place.database
    for suffix in _WORDS:  # it is made anew from the archives
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    if database.exists():
        if foreign_log(database) is None and _emptied_log(database):
            aside.link(database, database.name)
        else:
            aside.move_database()
    for suffix in _LOGS:
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    os.replace(_near(staging / DATABASE, database), database)
    _sync_folder(database.parent)
    for member in manifest.members:
        if member.name.startswith(DATA):
            target = place.data_dir / member.name.removeprefix(DATA)
            _make_folders(target.parent, place.data_dir)
            if target.exists():
                aside.link(target, member.name.removeprefix(DATA))
            os.replace(_staged(staging, member.name), target)
    _sync_folder(place.data_dir)
    return aside.folder if aside.is_used else None


def _near(file: Path, target: Path) -> Path:
    """Give *file*, or a copy of it beside *target* where that is on another file system: a rename is possible then."""
    if file.stat().st_dev == target.parent.stat().st_dev:
        return file
    near = target.with_name(f".{target.name}{RESTORING}")
    shutil.copy2(file, near)
    descriptor = os.open(near, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    shutil.chown(near, file.stat().st_uid, file.stat().st_gid)
    return near


def _emptied_log(database: Path) -> bool:
    """Bring what is in the log into the data file, and be rid of the log; False where the file cannot be opened."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        return False
    log = Path(f"{database}-wal")
    return not busy and (not log.exists() or log.stat().st_size == 0)


class _Aside:
    """The folder with what was there, made when it is needed."""

    def __init__(self, place: Place, now: float):
        self._place = place
        self.folder = place.data_dir / f"{ASIDE}{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
        self.is_used = False

    def link(self, file: Path, name: str) -> None:
        """Have a file there, too; where it is, it stays until another takes its place."""
        target = self.folder / name
        self._make(target.parent)
        target.unlink(missing_ok=True)
        try:
            os.link(file, target)
        except OSError:  # another file system
            shutil.copy2(file, target)

    def move_database(self) -> None:
        """Take away a data file that cannot be opened, with its log, as they are."""
        database = self._place.database
        self._make(self.folder)
        for suffix in (*_LOGS, ""):
            with suppress(FileNotFoundError):
                shutil.move(f"{database}{suffix}", self.folder / f"{database.name}{suffix}")

    def _make(self, folder: Path) -> None:
        _make_folders(folder, self._place.data_dir)
        self.is_used = True


def _make_folders(folder: Path, data_dir: Path) -> None:
    """Make a folder below *data_dir* and those above it, for whom that belongs to."""
    owner = data_dir.stat()
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=_FOLDER_MODE)
        if os.geteuid() == ROOT:
            os.chown(each, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
