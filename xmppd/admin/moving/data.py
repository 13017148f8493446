"""The data folder for who works with it in the place of the server: its lock, and whose the files are."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from xmppd.admin.control.wire import ControlError
from xmppd.admin.folder import FolderError, FolderOfAnother, make_data_folder, who
from xmppd.admin.opened import OpenedStorage
from xmppd.admin.rights import ROOT
from xmppd.config.findings import ConfigErrors
from xmppd.config.model import Config
from xmppd.config.obstacles import Obstacle, user_name
from xmppd.config.read import load
from xmppd.storage.interface import StorageError
from xmppd.storage.lock import LOCK_NAME, DataLock, DataLocked
from xmppd.storage.sqlite.copying import copy_database

_MODE = 0o600


def load_config(config_file: Path | None, env: Mapping[str, str]) -> Config:
    """Read the configuration; `ControlError` where it is broken, or has a storage that keeps nothing."""
    try:
        config = load(config_file, env)
    except ConfigErrors as error:
        raise ControlError("config-errors", str(error)) from error
    if config.storage_file is None:
        raise ControlError(
            "no-store", f'[storage] url = "{config.storage.url}" keeps nothing: there are no data'
        )
    return config


def database_of(config: Config) -> Path:
    """Give the data file."""
    assert config.storage_file is not None, "load_config has seen to it"
    return config.storage_file


@contextmanager
def locked(config: Config, what: str) -> Iterator[None]:
    """Hold the lock of the data folder meanwhile, which is made where it is missing.

    `ControlError` where a server works with it (*what* is to be done, for the line that says so), or it cannot be used.
    """
    lock = DataLock(config.data_dir)
    try:
        _prepare(config)
        lock.acquire()
    except FolderOfAnother as error:
        owner = config.data_dir.stat().st_uid
        remedy = f"run xmppctl as that user, or as root: sudo -u {who(owner)} xmppctl …"
        whose = f"{config.data_dir} belongs to the user {user_name(owner)}"
        raise ControlError("not-owner", f"{whose}; {remedy}") from error
    except FolderError as error:
        raise ControlError("no-data-folder", str(error)) from error
    except DataLocked as error:
        holder = f"the server (process {error.pid})" if error.pid else "a server"
        why = f"{holder} works with {config.data_dir}: {what} needs the data for itself"
        raise ControlError("server-running", f"{why}; stop it first: xmppctl stop") from error
    except OSError as error:
        why = Obstacle.of(config.data_dir, error).why
        raise ControlError(
            "no-data-folder", f"{config.data_dir} cannot be used: {why}; see xmppctl check"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def as_it_is(config: Config, what: str, beside: Path | None = None) -> Iterator[OpenedStorage]:
    """Open the storage to look into it: the stopped server's own; of one that runs a copy of this moment.

    The copy is made in the folder *beside*, or in $TMPDIR, and removed. Errors as of `locked` and `opened`.
    """
    if not is_locked(config.data_dir):
        with locked(config, what), opened(config) as storage:
            yield storage
        return
    with tempfile.TemporaryDirectory(prefix=".xmppctl-", dir=beside) as folder:
        copy = Path(folder) / "copy"
        copy_database(database_of(config), copy)
        storage = OpenedStorage(f"sqlite:{copy}", Path(folder), "process")
        storage.start()
        try:
            yield storage
        finally:
            storage.close()


@contextmanager
def opened(config: Config) -> Iterator[OpenedStorage]:
    """Open the storage, whose lock is held; `ControlError`."""
    try:
        storage = OpenedStorage(config.storage.url, config.data_dir, config.storage.durability)
    except StorageError as error:
        raise ControlError("storage-failed", str(error)) from error
    storage.start()
    try:
        yield storage
    finally:
        storage.close()


def is_locked(data_dir: Path) -> bool:
    """Say whether a server works with a data folder now."""
    if not (data_dir / LOCK_NAME).exists():
        return False
    lock = DataLock(data_dir)
    try:
        lock.acquire()
    except DataLocked:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _prepare(config: Config) -> None:
    """Root leaves the files to whom the folder belongs: those that are made are given away before anything is in them.

    It stays root meanwhile, since what is to be read may be another's; the log of a data file SQLite gives away itself.
    """
    folder = config.data_dir
    if os.geteuid() != ROOT or not folder.is_dir() or folder.stat().st_uid == ROOT:
        make_data_folder(folder)
        return
    owner = folder.stat()
    for file in (folder / LOCK_NAME, database_of(config)):
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _MODE)
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.close(descriptor)
