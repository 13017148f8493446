"""From version 2 of the file to 3: what stood in two stores, for each account, stands in one.

``sm_queue`` had a row for each session that a message had gone to, ``offline`` one for each message that waited. Now
``inbox`` has one for each message, with all who got a copy (`xmppd.services.inbox.records`, as it was when this was
written): what sessions had in their queues first, then what waited, each in its order.
"""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

_OWNERS = "SELECT DISTINCT owner FROM box WHERE store IN ('sm_queue', 'offline')"
_BOX = "SELECT box FROM box WHERE store = ? AND owner = ?"
_ROWS = "SELECT seq, id, sent_at, extra, stanza FROM {} WHERE box = ? ORDER BY seq"
_MAKE = "INSERT INTO box (store, owner, skew) VALUES ('inbox', ?, 1e9)"
_APPEND = "INSERT INTO fresh (box, id, sent_at, extra, stanza) VALUES (?, ?, ?, ?, ?)"


class _Row(NamedTuple):
    seq: int
    id: str | None
    sent_at: float
    extra: bytes
    stanza: bytes


class _Message:
    """One message, and who had a copy."""

    def __init__(self, id: str, row: _Row, copies: int):
        self.id = id
        self.sent_at = row.sent_at
        self.stanza = row.stanza
        self.copies = copies
        """How many sessions got one; those that are not among the holders have acknowledged it."""
        self.holders: list[str] = []


def to_inbox(connection: sqlite3.Connection) -> None:
    """Move all of it, in the transaction that is open; nothing is left in the old stores."""
    for (owner,) in connection.execute(_OWNERS).fetchall():
        messages: dict[tuple[str, bytes], _Message] = {}
        _take_queue(connection, owner, messages)
        _take_waiting(connection, owner, messages)
        if messages:
            number = connection.execute(_MAKE, (owner,)).lastrowid
            rows = [
                (number, message.id, message.sent_at, _extra(message), message.stanza)
                for message in messages.values()
            ]
            connection.executemany(_APPEND, rows)
        for store in ("sm_queue", "offline"):
            for (box,) in connection.execute(_BOX, (store, owner)).fetchall():
                connection.execute("INSERT INTO dead_box VALUES (?)", (box,))
                connection.execute("DELETE FROM box WHERE box = ?", (box,))
    connection.execute("UPDATE box SET store = 'inbox_unreadable' WHERE store = 'offline_unreadable'")


def _take_queue(
    connection: sqlite3.Connection, owner: str, messages: dict[tuple[str, bytes], _Message]
) -> None:
    """Rows whose id is ``SESSION.NUMBER``, ``SESSION.uNUMBER`` if it was not sent; extra: ``COPIES ARCHIVE-ID``."""
    for row in _rows(connection, "sm_queue", owner):
        copies, _, archive_id = row.extra.decode(errors="replace").partition(" ")
        key = (archive_id, row.stanza)
        if key not in messages:
            count = int(copies) if copies.isdigit() else 1
            messages[key] = _Message(archive_id or f"queue-{row.seq}", row, count)
        session, _, number = (row.id or "").rpartition(".")
        if session:
            messages[key].holders.append(f"{session}:{number if number.isdigit() else '*'}")


def _take_waiting(
    connection: sqlite3.Connection, owner: str, messages: dict[tuple[str, bytes], _Message]
) -> None:
    """Rows with the message, whose extra is a sum, and ``SESSION.NUMBER`` of a session that had ended with it."""
    ids = {message.id: message for message in messages.values()}
    for row in _rows(connection, "offline", owner):
        _, _, name = row.extra.decode(errors="replace").partition(" ")
        id = row.id or f"waiting-{row.seq}"
        message = ids.get(id)
        if message is None:
            message = messages[id, row.stanza] = _Message(id, row, 0)
        session, _, number = name.rpartition(".")
        if session and number.isdigit():
            message.holders.append(f"{session}:{number}.")


def _rows(connection: sqlite3.Connection, store: str, owner: str) -> Iterator[_Row]:
    for (box,) in connection.execute(_BOX, (store, owner)).fetchall():
        for table in ("entry", "fresh"):
            yield from map(_Row._make, connection.execute(_ROWS.format(table), (box,)).fetchall())


def _extra(message: _Message) -> bytes:
    is_done = 0 < len(message.holders) < message.copies
    return f"{'+' if is_done else ''}{' '.join(message.holders)}".encode()
