"""A copy of a data file as of one moment, while a server works with it, or while none does.

SQLite's own backup begins anew whenever somebody else writes meanwhile. Here the connection that is copied from holds
a read transaction from the first page to the last, so that it sees one moment; writers go on, and what they write
stays in the log until the copy is there. All that was committed before is in it.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from xmppd.storage.interface import StorageFailed
from xmppd.storage.sqlite.connection import as_storage_error
from xmppd.storage.sqlite.damage import damage
from xmppd.storage.sqlite.schema import APPLICATION_ID

STEP_BYTES: Final = 1024 * 1024
LONGEST_PAUSE_S: Final = 0.25
_MODE: Final = 0o600

Progress = Callable[[int, int], object]
"""Told how many pages are copied, of how many."""


def copy_database(
    source: Path,
    target: Path,
    on_progress: Progress = lambda done, total: None,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Copy the data file *source* to *target*, which must not be there; waits until it is on disk.

    Between two megabytes it pauses as long as the last one took, so that half of the disk is left to the server.
    `StorageFailed` where it is no data file, or cannot be read; `StorageFull` where there is no room.
    """
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE))
    try:
        with (
            closing(_opened(source)) as origin,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            _check(origin, source)
            page_bytes = int(origin.execute("PRAGMA page_size").fetchone()[0])
            copy.execute("PRAGMA synchronous = OFF")  # it is synced when it is whole
            _copy(origin, copy, max(1, STEP_BYTES // page_bytes), on_progress, pause)
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise as_storage_error(error) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    _sync(target)


def check_copy(file: Path, look_s: float) -> None:
    """Look through a copy for so long; `StorageFailed` where it is damaged."""
    found = damage(file, look_s)
    if found is not None:
        raise StorageFailed(f"the data file is damaged: {found}")


def _opened(source: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _check(origin: sqlite3.Connection, source: Path) -> None:
    (application_id,) = origin.execute("PRAGMA application_id").fetchone()
    if application_id != APPLICATION_ID:
        raise StorageFailed(f"{source} is not a data file of xmppd")


def _copy(
    origin: sqlite3.Connection,
    copy: sqlite3.Connection,
    pages: int,
    on_progress: Progress,
    pause: Callable[[float], object],
) -> None:
    began = time.monotonic()

    def stepped(status: int, remaining: int, total: int) -> None:
        nonlocal began
        on_progress(total - remaining, total)
        if remaining:
            pause(min(time.monotonic() - began, LONGEST_PAUSE_S))
        began = time.monotonic()

    origin.execute("BEGIN")
    origin.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it is one moment
    origin.backup(copy, pages=pages, progress=stepped)
    origin.execute("ROLLBACK")


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
