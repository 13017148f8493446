"""Makes Prosody's SQL archive (as its ``mod_storage_sql`` 0.12 does) with messages between u0 and u1."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

FIRST_STAMP = 1_600_000_000
TABLE = """
CREATE TABLE prosodyarchive (sort_id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, user TEXT NOT NULL,
    store TEXT NOT NULL, key TEXT NOT NULL, "when" INTEGER NOT NULL, "with" TEXT NOT NULL, type TEXT NOT NULL,
    value MEDIUMTEXT NOT NULL);
"""
INDEXES = """
CREATE UNIQUE INDEX prosodyarchive_index ON prosodyarchive (host, user, store, key);
CREATE INDEX prosodyarchive_with_when ON prosodyarchive (host, user, store, "with", "when");
CREATE INDEX prosodyarchive_when ON prosodyarchive (host, user, store, "when");
CREATE INDEX prosodyarchive_sort ON prosodyarchive (host, user, store, sort_id);
"""
INSERT = (
    'INSERT INTO prosodyarchive (host, user, store, key, "when", "with", type, value) '
    "VALUES ('localhost', 'u0', 'archive', ?, ?, 'u1@localhost', 'xml', ?)"
)


def fill_archive(path: Path, count: int) -> None:
    """Make the table, its rows, then its indexes; the server finds them made."""
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(TABLE)
        database.executemany(INSERT, _rows(count))
        database.executescript(INDEXES)


def _rows(count: int) -> Iterator[tuple[str, int, str]]:
    for number in range(1, count + 1):
        value = (
            "<message xmlns='jabber:client' to='u0@localhost' from='u1@localhost/r' type='chat' "
            f"id='m{number}'><body>message {number} {'x' * 80}</body></message>"
        )
        yield f"key-{number:012d}", FIRST_STAMP + number, value
