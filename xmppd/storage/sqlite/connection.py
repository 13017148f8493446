"""How a connection is opened, and which of our errors an error of SQLite is."""

import sqlite3
from pathlib import Path
from typing import Literal

from xmppd.storage.interface import InvalidChange, StorageError, StorageFailed, StorageFull

Durability = Literal["power", "process"]

_SYNCHRONOUS = {"power": "FULL", "process": "NORMAL"}
_BUSY_TIMEOUT_S = 5.0
_STATEMENTS = 128
_WRITER_CACHE_KIB = 16_384
_READER_CACHE_KIB = 4_096

CHECKPOINT_PAGES = 4_000
"""The log goes into the file when it has so many pages (16 MB).

The fewer times, the less is written twice.
"""

LOG_BYTES = 64 * 1024 * 1024
"""To this size the log is cut back after it was larger."""

_FULL = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_TRUNCATE"}
_INVALID = ("SQLITE_CONSTRAINT", "SQLITE_TOOBIG", "SQLITE_MISMATCH")


def open_writer(path: Path, durability: Durability) -> sqlite3.Connection:
    """The connection of the one thread that writes. It manages its own transactions."""
    connection = _open(f"{path.absolute().as_uri()}?mode=rw", _WRITER_CACHE_KIB)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    return connection


def open_reader(path: Path, busy_timeout_s: float = _BUSY_TIMEOUT_S) -> sqlite3.Connection:
    """A connection that can only read, and waits so long for a lock."""
    connection = _open(f"{path.absolute().as_uri()}?mode=rw", _READER_CACHE_KIB, busy_timeout_s)
    connection.execute("PRAGMA query_only = ON")
    return connection


def as_storage_error(error: BaseException) -> StorageError:
    """The error that callers see for *error*; its text says what SQLite said."""
    if isinstance(error, StorageError):
        return error
    name = getattr(error, "sqlite_errorname", "")
    if name in _FULL:
        return _caused(StorageFull(f"there is no room to store it: {error}"), error)
    if name.startswith(_INVALID) or isinstance(error, ValueError | OverflowError):
        return _caused(InvalidChange(f"it cannot be stored: {error}"), error)
    return _caused(StorageFailed(f"the storage failed: {error}"), error)


def _caused(ours: StorageError, error: BaseException) -> StorageError:
    ours.__cause__ = error
    return ours


def _open(uri: str, cache_kib: int, busy_timeout_s: float = _BUSY_TIMEOUT_S) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, timeout=busy_timeout_s, isolation_level=None, cached_statements=_STATEMENTS, uri=True
    )
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection
