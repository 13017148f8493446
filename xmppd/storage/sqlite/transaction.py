"""Turns the changes of a group into few large statements.

Each step of SQLite gives up the interpreter's lock and has to win it back from the reactor, so what counts is
the number of statements. Values and entries lie in tables of their own and commute: values are gathered by
key (the last one wins), entries are gathered in order, and each gathering is written as multi-row statements
when the group ends or when a change comes that must see them.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from xmppd.storage.interface import (
    Append,
    Change,
    Delete,
    DeleteAll,
    DeleteEntries,
    DeleteOwner,
    NewEntry,
    Put,
    Replace,
)
from xmppd.storage.sqlite.boxes import Boxes

Value = str | int | float | bytes | None

_ROWS = (50, 20, 10, 5, 2, 1)
"""The sizes of multi-row statements: few, so that each is compiled once."""


def _many(head: str, row: str, tail: str = "") -> dict[int, str]:
    return {count: f"{head} {', '.join([row] * count)} {tail}".rstrip() for count in _ROWS}


_PUT = _many(
    "INSERT INTO kv (store, owner, key, value) VALUES",
    "(?, ?, ?, ?)",
    "ON CONFLICT (store, owner, key) DO UPDATE SET value = excluded.value",
)
_DELETE = _many(  # a bare VALUES in the place of the SELECT would be answered by a scan of the table
    "DELETE FROM kv WHERE (store, owner, key) IN (SELECT column1, column2, column3 FROM (VALUES",
    "(?, ?, ?)",
    "))",
)
_APPEND = _many(
    "INSERT INTO entry (box, id, sent_at, with_jid, with_resource, extra, stanza) VALUES",
    "(?, ?, ?, ?, ?, ?, ?)",
)
_DELETE_SEQS = _many("DELETE FROM entry WHERE box = ? AND seq IN (", "?", ")")
_DELETE_IDS = _many(
    "DELETE FROM entry WHERE seq IN (SELECT seq FROM entry INDEXED BY entry_id WHERE box = ? AND id IN (",
    "?",
    "))",
)
_DELETE_OWNER = """
WITH RECURSIVE stores (store) AS (
    SELECT min(store) FROM kv
    UNION ALL
    SELECT (SELECT min(kv.store) FROM kv WHERE kv.store > stores.store) FROM stores WHERE store IS NOT NULL
)
DELETE FROM kv WHERE store IN (SELECT store FROM stores WHERE store IS NOT NULL) AND owner = ?
"""
_DELETE_SELECTED = "DELETE FROM entry WHERE seq IN ({})"
_UP_TO = "SELECT seq FROM entry INDEXED BY entry_box WHERE box = ? AND seq <= ? ORDER BY seq LIMIT ?"
_OLDER = "SELECT seq FROM entry INDEXED BY entry_box WHERE box = ? AND sent_at < ? ORDER BY seq LIMIT ?"
_OLDER_INDEXED = (
    "SELECT seq FROM entry INDEXED BY entry_time"
    " WHERE box = ? AND id IS NOT NULL AND sent_at < ? ORDER BY sent_at LIMIT ?"
)
_NEWEST = "SELECT seq FROM entry INDEXED BY entry_box WHERE box = ? ORDER BY seq DESC LIMIT 1 OFFSET ?"
_NO_LIMIT = -1


class Transaction:
    """Applies changes in order; `flush` writes what is still gathered. Raises what SQLite raises."""

    def __init__(self, connection: sqlite3.Connection, boxes: Boxes) -> None:
        self._connection = connection
        self._boxes = boxes
        self._values: dict[tuple[str, str, str], bytes | None] = {}
        self._entries: list[tuple[Value, ...]] = []
        self._gathering: set[int] = set()
        self._apply: dict[type, Callable[..., None]] = {
            Put: self._put,
            Append: self._append,
            Delete: self._delete,
            DeleteEntries: self._delete_entries,
            Replace: self._replace,
            DeleteAll: self._delete_all,
            DeleteOwner: self._delete_owner,
        }

    def apply(self, changes: Iterable[Change]) -> None:
        """Take *changes* in; some are executed at once, some are gathered."""
        apply = self._apply
        for change in changes:
            apply[type(change)](*change)

    def flush(self) -> None:
        """Write all that is gathered."""
        self._flush_values()
        self._flush_entries()

    def _put(self, store: str, owner: str, key: str, value: bytes) -> None:
        self._values[store, owner, key] = value

    def _delete(self, store: str, owner: str, key: str) -> None:
        self._values[store, owner, key] = None

    def _append(self, store: str, owner: str, entry: NewEntry) -> None:
        box = self._boxes.for_append(store, owner, entry)
        self._gathering.add(box)
        self._entries.append(
            (
                box,
                entry.id or None,
                entry.sent_at,
                entry.with_jid or None,
                entry.with_resource or None,
                entry.extra,
                entry.stanza,
            )
        )

    def _replace(self, store: str, owner: str, entry_id: str, stanza: bytes, extra: bytes) -> None:
        box = self._settled_box(store, owner)
        if box is not None:
            self._connection.execute(
                "UPDATE entry SET stanza = ?, extra = ? WHERE box = ? AND id = ?",
                (stanza, extra, box, entry_id),
            )

    def _delete_entries(
        self,
        store: str,
        owner: str,
        up_to: int | None,
        seqs: Sequence[int],
        ids: Sequence[str],
        older_than: float | None,
        keep: int | None,
        limit: int | None,
    ) -> None:
        box = self._settled_box(store, owner)
        if box is None:
            return
        most = _NO_LIMIT if limit is None else limit
        if up_to is not None:
            self._delete_selected(_UP_TO, box, up_to, most)
        if seqs:
            self._run(_DELETE_SEQS, [(seq,) for seq in seqs], (box,))
        if ids:
            self._run(_DELETE_IDS, [(entry_id,) for entry_id in ids], (box,))
        if older_than is not None:
            found = self._boxes.find(store, owner)
            indexed = found is not None and found.skew is not None
            self._delete_selected(_OLDER_INDEXED if indexed else _OLDER, box, older_than, most)
        if keep is not None:
            row = self._connection.execute(_NEWEST, (box, keep)).fetchone()
            if row is not None:
                self._delete_selected(_UP_TO, box, row[0], most)

    def _delete_selected(self, selection: str, *parameters: Value) -> None:
        self._connection.execute(_DELETE_SELECTED.format(selection), parameters)

    def _delete_all(self, store: str, owner: str) -> None:
        self.flush()
        self._connection.execute("DELETE FROM kv WHERE store = ? AND owner = ?", (store, owner))
        self._boxes.drop(store, owner)

    def _delete_owner(self, owner: str) -> None:
        self.flush()
        self._connection.execute(_DELETE_OWNER, (owner,))
        self._boxes.drop_owner(owner)

    def _settled_box(self, store: str, owner: str) -> int | None:
        """The box's number, with all of its gathered entries written; None if there is no such box."""
        box = self._boxes.find(store, owner)
        if box is None:
            return None
        if box.number in self._gathering:
            self._flush_entries()
        return box.number

    def _flush_values(self) -> None:
        if self._values:
            values, self._values = self._values, {}
            self._run(_PUT, [(*key, value) for key, value in values.items() if value is not None])
            self._run(_DELETE, [key for key, value in values.items() if value is None])

    def _flush_entries(self) -> None:
        if self._entries:
            entries, self._entries = self._entries, []
            self._gathering.clear()
            self._run(_APPEND, entries)

    def _run(
        self, texts: dict[int, str], rows: Sequence[tuple[Value, ...]], first: tuple[Value, ...] = ()
    ) -> None:
        """Execute one of *texts* for as many *rows* as fit, and again until all are done."""
        start = 0
        for size in _ROWS:
            while len(rows) - start >= size:
                parameters = [*first, *(value for row in rows[start : start + size] for value in row)]
                self._connection.execute(texts[size], parameters)
                start += size
