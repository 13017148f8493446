"""The tables, as numbered steps; an older file is copied beside itself, then brought up in one transaction.

`kv` holds the values. `entry` holds archives and queues; a *box* is the small number of one (store, owner).
Each index of a large table costs a commit a page for each row, so entries are first written to `fresh`, which
is small and has one index, and move to `entry` some thousand at a time. The fresh entries of a box are newer
than its others. Queue rows (no id) are in none of the partial indexes. A box that was deleted as a whole
stands in `dead_box` until the writer has swept its rows, so that no deletion holds up the others.
"""

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from xmppd.storage.interface import StorageFailed, StorageTooNew
from xmppd.storage.sqlite.damage import damage_of_logins, is_small
from xmppd.storage.sqlite.foreign_log import foreign_log, remedy_for
from xmppd.storage.sqlite.to_inbox import to_inbox

PAGE_BYTES = 8_192
"""Twice the usual: half as many pages are written for a group of messages, which takes less time."""

APPLICATION_ID = 0x786D7070
"""Tells our files from other SQLite files ("xmpp" in ASCII)."""

STEP_001 = """
CREATE TABLE kv (
    store TEXT NOT NULL,
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (store, owner, key)
) WITHOUT ROWID;

CREATE TABLE box (
    box INTEGER PRIMARY KEY AUTOINCREMENT,
    store TEXT NOT NULL,
    owner TEXT NOT NULL,
    skew REAL,
    UNIQUE (store, owner)
);
CREATE INDEX box_owner ON box (owner);

CREATE TABLE dead_box (box INTEGER PRIMARY KEY);

CREATE TABLE fresh (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    box INTEGER NOT NULL,
    id TEXT,
    sent_at REAL NOT NULL,
    with_jid TEXT,
    with_resource TEXT,
    extra BLOB NOT NULL,
    stanza BLOB NOT NULL
);
CREATE INDEX fresh_box ON fresh (box);

CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    box INTEGER NOT NULL,
    id TEXT,
    sent_at REAL NOT NULL,
    with_jid TEXT,
    with_resource TEXT,
    extra BLOB NOT NULL,
    stanza BLOB NOT NULL
);
CREATE INDEX entry_box ON entry (box);
CREATE INDEX entry_id ON entry (box, id) WHERE id IS NOT NULL;
CREATE INDEX entry_time ON entry (box, sent_at) WHERE id IS NOT NULL;
CREATE INDEX entry_with ON entry (box, with_jid) WHERE with_jid IS NOT NULL;
"""

STEP_002 = """
DROP INDEX entry_time;
UPDATE box SET skew = 1e9 WHERE skew IS NULL;
"""
"""Times are found by bisection; a skew of NULL said that nothing is known of a box."""

Step = str | Callable[[sqlite3.Connection], None]
"""Statements, or what makes them, within the transaction that is open."""
STEPS: tuple[Step, ...] = (STEP_001, STEP_002, to_inbox)
"""Step n brings a file from version n to n + 1. Add steps, never change one."""


MEND = "put a copy in its place and remove FILE-wal and FILE-shm, or save what can be read: sqlite3 FILE .recover"
_MAKE_USABLE = "this user must be able to write it, and its disk have room; or name another in [storage] url"


def bring_up(path: Path, steps: Sequence[Step] = STEPS) -> None:
    """Create the file, or bring an older one to the newest version; waits.

    Before an older file is changed, a copy is left beside it (``FILE.version-N``). Raises `StorageTooNew` for
    a file of a newer program, `StorageFailed` for one that is not ours or cannot be opened; the text is one
    line.
    """
    try:
        _check_log(path)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            _bring_up(connection, path, steps)
        finally:
            connection.close()
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        remedy = MEND.replace("FILE", str(path)) if type(error) is sqlite3.DatabaseError else _MAKE_USABLE
        raise StorageFailed(f"the data file {path} cannot be used: {why}; {remedy}") from error


def _check_log(path: Path) -> None:
    """Before SQLite mixes it with the file."""
    why = foreign_log(path)
    if why is not None:
        raise StorageFailed(f"the data file {path} cannot be used: {why}; {remedy_for(path)}")


def _bring_up(connection: sqlite3.Connection, path: Path, steps: Sequence[Step]) -> None:
    version = _version(connection, path)
    if version > len(steps):
        raise StorageTooNew(
            f"the data file {path} has version {version}, this program knows {len(steps)}: use a newer xmppd"
        )
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file; an older one keeps its own
    connection.execute("PRAGMA journal_mode = WAL")
    if version == len(steps):
        _look_into(connection, path)
        return
    if version:
        _copy(connection, Path(f"{path}.version-{version}"))
    connection.execute("BEGIN IMMEDIATE")
    for step in steps[version:]:
        if isinstance(step, str):
            for statement in step.split(";"):
                connection.execute(statement)
        else:
            step(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(steps)}")
    connection.execute("COMMIT")


def _look_into(connection: sqlite3.Connection, path: Path) -> None:
    """Read a little of each table, and of a file of usual size all that a login reads, before anybody is answered."""
    connection.execute("SELECT count(*) FROM fresh").fetchone()
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        connection.execute(f'SELECT * FROM "{table}" LIMIT 1').fetchall()
    if is_small(path):
        found = damage_of_logins(connection)
        if found is not None:
            raise sqlite3.DatabaseError(found)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's version, 0 for an empty one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application_id != APPLICATION_ID:
        raise StorageFailed(
            f"{path} is not a data file of xmppd: move it away, or name another file in [storage] url"
        )
    return int(version)


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the whole file to *target*, which is there only when it is complete."""
    partial = Path(f"{target}.partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    copy = sqlite3.connect(partial)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    partial.replace(target)
