"""Deleting entries: by place, by id, by age, by number; from both tables of entries."""

import sqlite3

from xmppd.storage.interface import DeleteEntries
from xmppd.storage.sqlite.boxes import Box
from xmppd.storage.sqlite.statements import Value, many, run_many
from xmppd.storage.sqlite.times import first_after

_NO_LIMIT = -1
_NO_BOUND = 1 << 62

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
    " (SELECT seq FROM {table} INDEXED BY {table}_box WHERE box = ? AND seq < ? AND sent_at < ?"
    " ORDER BY seq LIMIT ?)"
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
        _delete(connection, _UP_TO, box, (change.up_to,), (change.up_to,), change.limit)
    if change.older_than is not None:
        bound = change.older_than
        behind = first_after(connection, box.number, box.skew, bound)
        _delete(connection, _OLDER, box, (behind, bound), (_NO_BOUND, bound), change.limit)
    if change.keep is not None:
        last = _last_beyond(connection, box, change.keep)
        if last is not None:
            _delete(connection, _UP_TO, box, (last,), (last,), change.limit)


def _delete(
    connection: sqlite3.Connection,
    text: str,
    box: Box,
    in_entry: tuple[Value, ...],
    in_fresh: tuple[Value, ...],
    limit: int | None,
) -> None:
    """Delete up to *limit* rows, the older table's first; the bounds may differ."""
    most = _NO_LIMIT if limit is None else limit
    gone = connection.execute(text.format(table="entry"), (box.number, *in_entry, most)).rowcount
    if limit is not None:
        most = limit - gone
    connection.execute(text.format(table="fresh"), (box.number, *in_fresh, most))


def _last_beyond(connection: sqlite3.Connection, box: Box, keep: int) -> int | None:
    """The seq of the newest entry that is not among the newest *keep*."""
    row = connection.execute(_NEWEST.format(table="fresh"), (box.number, keep)).fetchone()
    if row is None:
        (fresh,) = connection.execute("SELECT count(*) FROM fresh WHERE box = ?", (box.number,)).fetchone()
        row = connection.execute(_NEWEST.format(table="entry"), (box.number, keep - fresh)).fetchone()
    return row[0] if row else None
