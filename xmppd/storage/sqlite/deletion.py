"""Deleting entries: by place, by id, by age, by number; from both tables of entries."""

import sqlite3

from xmppd.storage.interface import DeleteEntries
from xmppd.storage.sqlite.boxes import Box
from xmppd.storage.sqlite.statements import Value, many, run_many

_NO_LIMIT = -1

_SEQS = {
    table: many(f"DELETE FROM {table} WHERE box = ? AND seq IN (", "?", ")") for table in ("entry", "fresh")
}
_IDS = {
    table: many(
        f"DELETE FROM {table} WHERE seq IN"
        f" (SELECT seq FROM {table} INDEXED BY {index} WHERE box = ? AND id IN (",
        "?",
        "))",
    )
    for table, index in (("entry", "entry_id"), ("fresh", "fresh_box"))
}
_UP_TO = (
    "DELETE FROM {table} WHERE seq IN"
    " (SELECT seq FROM {table} INDEXED BY {table}_box WHERE box = ? AND seq <= ? ORDER BY seq LIMIT ?)"
)
_OLDER = (
    "DELETE FROM {table} WHERE seq IN"
    " (SELECT seq FROM {table} INDEXED BY {table}_box WHERE box = ? AND sent_at < ? ORDER BY seq LIMIT ?)"
)
_OLDER_BY_TIME = (
    "DELETE FROM entry WHERE seq IN"
    " (SELECT seq FROM entry INDEXED BY entry_time"
    " WHERE box = ? AND id IS NOT NULL AND sent_at < ? ORDER BY sent_at LIMIT ?)"
)
_NEWEST = "SELECT seq FROM {table} INDEXED BY {table}_box WHERE box = ? ORDER BY seq DESC LIMIT 1 OFFSET ?"


def delete_entries(connection: sqlite3.Connection, box: Box, change: DeleteEntries) -> None:
    """Make *change*, which is about *box*; what was gathered for it must be written before."""
    if change.seqs:
        for texts in _SEQS.values():
            run_many(connection, texts, [(seq,) for seq in change.seqs], (box.number,))
    if change.ids:
        for texts in _IDS.values():
            run_many(connection, texts, [(entry_id,) for entry_id in change.ids], (box.number,))
    if change.up_to is not None:
        _delete(connection, _UP_TO, _UP_TO, box, change.up_to, change.limit)
    if change.older_than is not None:
        by_time = _OLDER if box.skew is None else _OLDER_BY_TIME
        _delete(connection, by_time, _OLDER, box, change.older_than, change.limit)
    if change.keep is not None:
        last = _last_beyond(connection, box, change.keep)
        if last is not None:
            _delete(connection, _UP_TO, _UP_TO, box, last, change.limit)


def _delete(
    connection: sqlite3.Connection,
    from_entry: str,
    from_fresh: str,
    box: Box,
    bound: Value,
    limit: int | None,
) -> None:
    """Delete up to *limit* rows, the older table's first."""
    most = _NO_LIMIT if limit is None else limit
    gone = connection.execute(from_entry.format(table="entry"), (box.number, bound, most)).rowcount
    if limit is not None:
        most = limit - gone
    connection.execute(from_fresh.format(table="fresh"), (box.number, bound, most))


def _last_beyond(connection: sqlite3.Connection, box: Box, keep: int) -> int | None:
    """The seq of the newest entry that is not among the newest *keep*."""
    row = connection.execute(_NEWEST.format(table="fresh"), (box.number, keep)).fetchone()
    if row is None:
        (fresh,) = connection.execute("SELECT count(*) FROM fresh WHERE box = ?", (box.number,)).fetchone()
        row = connection.execute(_NEWEST.format(table="entry"), (box.number, keep - fresh)).fetchone()
    return row[0] if row else None
