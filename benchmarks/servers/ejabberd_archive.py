"""Fills the SQLite archive of a running ejabberd (tables of its ``lite.sql``) with messages between u0 and u1."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

FIRST_STAMP_US = 1_600_000_000_000_000
SECOND_US = 1_000_000
INSERT = (
    "INSERT INTO archive (username, timestamp, peer, bare_peer, xml, txt, kind, nick) "
    "VALUES ('u0', ?, 'u1@localhost/r', 'u1@localhost', ?, ?, 'chat', '')"
)


def has_archive(path: Path) -> bool:
    """Whether the server has made the table by now."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path)) as database:
        return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'archive'").fetchone())


def fill_archive(path: Path, count: int) -> None:
    """Add the rows in one transaction."""
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany(INSERT, _rows(count))


def _rows(count: int) -> Iterator[tuple[int, str, str]]:
    for number in range(1, count + 1):
        body = f"message {number} {'x' * 80}"
        xml = (
            "<message xmlns='jabber:client' to='u0@localhost' from='u1@localhost/r' type='chat' "
            f"id='m{number}'><body>{body}</body></message>"
        )
        yield FIRST_STAMP_US + number * SECOND_US, xml, body
