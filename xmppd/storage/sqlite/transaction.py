"""Turns the changes of a group into few statements.

Values and entries lie in tables of their own and commute: values are gathered by key (the last one wins),
entries are gathered in order, and each gathering is written as multi-row statements when the group ends or
when a change comes that must see them.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from xmppd.storage.interface import (
    Append,
    Change,
    Delete,
    DeleteAll,
    DeleteEntries,
    DeleteOwner,
    NewEntry,
    Note,
    Put,
    Replace,
)
from xmppd.storage.sqlite.boxes import Box, Boxes
from xmppd.storage.sqlite.deletion import delete_entries
from xmppd.storage.sqlite.reads import parts_between
from xmppd.storage.sqlite.statements import Value, many, run_many

_PUT = many(
    "INSERT INTO kv (store, owner, key, value) VALUES",
    "(?, ?, ?, ?)",
    "ON CONFLICT (store, owner, key) DO UPDATE SET value = excluded.value",
)
_DELETE = many(  # a bare VALUES in the place of the SELECT would be answered by a scan of the table
    "DELETE FROM kv WHERE (store, owner, key) IN (SELECT column1, column2, column3 FROM (VALUES",
    "(?, ?, ?)",
    "))",
)
_APPEND = many(
    "INSERT INTO fresh (box, id, sent_at, with_jid, with_resource, extra, stanza) VALUES",
    "(?, ?, ?, ?, ?, ?, ?)",
)
_REPLACE = (
    "UPDATE entry INDEXED BY entry_id SET stanza = ?, extra = ? WHERE box = ? AND id = ?",
    "UPDATE fresh INDEXED BY fresh_box SET stanza = ?, extra = ? WHERE box = ? AND id = ?",
)
_SEQS_OF = [
    many(f"SELECT id, seq FROM {table} INDEXED BY {index} WHERE box = ? AND id IN (", "?", ")")
    for table, index in (("entry", "entry_id"), ("fresh", "fresh_box"))
]
_NOTE_SEQS = [
    many(
        "WITH here (box) AS (VALUES (?)), notes (seq, extra) AS (VALUES",
        "(?, ?)",
        f") UPDATE {table} SET extra = notes.extra FROM notes, here"
        f" WHERE {table}.seq = notes.seq AND {table}.box = here.box",
    )
    for table in ("entry", "fresh")
]
_DELETE_OWNER = """
WITH RECURSIVE stores (store) AS (
    SELECT min(store) FROM kv
    UNION ALL
    SELECT (SELECT min(kv.store) FROM kv WHERE kv.store > stores.store) FROM stores WHERE store IS NOT NULL
)
DELETE FROM kv WHERE store IN (SELECT store FROM stores WHERE store IS NOT NULL) AND {owner}
"""
_DELETE_WHOLE = _DELETE_OWNER.format(owner="owner = ?")
_DELETE_PARTS = _DELETE_OWNER.format(owner="owner >= ? AND owner < ?")


class Transaction:
    """Applies changes in order; `flush` writes what is still gathered. Raises what SQLite raises."""

    def __init__(self, connection: sqlite3.Connection, boxes: Boxes) -> None:
        self._connection = connection
        self._boxes = boxes
        self._values: dict[tuple[str, str, str], bytes | None] = {}
        self._entries: list[tuple[Value, ...]] = []
        self._gathering: set[int] = set()

    def apply(self, changes: Iterable[Change]) -> None:
        """Take *changes* in; some are executed at once, some are gathered."""
        for change in changes:
            _APPLY[type(change)](self, *change)

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
            for text in _REPLACE:
                self._connection.execute(text, (stanza, extra, box.number, entry_id))

    def _note(self, store: str, owner: str, notes: Sequence[tuple[int | str, bytes]]) -> None:
        box = self._settled_box(store, owner)
        if box is None:
            return
        seqs: list[tuple[Value, ...]] = [(name, extra) for name, extra in notes if not isinstance(name, str)]
        by_id = {name: extra for name, extra in notes if isinstance(name, str)}
        for texts in _SEQS_OF:
            found = run_many(self._connection, texts, [(id,) for id in by_id], (box.number,))
            seqs += [(seq, by_id[id]) for id, seq in found]
        for texts in _NOTE_SEQS:
            run_many(self._connection, texts, seqs, (box.number,))

    def _delete_entries(self, store: str, owner: str, *selectors: Any) -> None:
        box = self._settled_box(store, owner)
        if box is not None:
            delete_entries(self._connection, box, DeleteEntries(store, owner, *selectors))

    def _delete_all(self, store: str, owner: str) -> None:
        self.flush()
        self._connection.execute("DELETE FROM kv WHERE store = ? AND owner = ?", (store, owner))
        self._boxes.drop(store, owner)

    def _delete_owner(self, owner: str) -> None:
        self.flush()
        self._connection.execute(_DELETE_WHOLE, (owner,))
        self._connection.execute(_DELETE_PARTS, parts_between(owner))
        self._boxes.drop_owner(owner)

    def _settled_box(self, store: str, owner: str) -> Box | None:
        """The box, with all of its gathered entries written; None if there is none."""
        box = self._boxes.find(store, owner)
        if box is not None and box.number in self._gathering:
            self._flush_entries()
        return box

    def _flush_values(self) -> None:
        if self._values:
            values, self._values = self._values, {}
            run_many(
                self._connection, _PUT, [(*key, value) for key, value in values.items() if value is not None]
            )
            run_many(self._connection, _DELETE, [key for key, value in values.items() if value is None])

    def _flush_entries(self) -> None:
        if self._entries:
            entries, self._entries = self._entries, []
            self._gathering.clear()
            run_many(self._connection, _APPEND, entries)
            self._boxes.fresh_rows += len(entries)


_APPLY: Final[dict[type, Callable[..., None]]] = {
    Put: Transaction._put,
    Append: Transaction._append,
    Delete: Transaction._delete,
    DeleteEntries: Transaction._delete_entries,
    Replace: Transaction._replace,
    Note: Transaction._note,
    DeleteAll: Transaction._delete_all,
    DeleteOwner: Transaction._delete_owner,
}
"""Not in each transaction: methods that are bound to it would keep it, and all that it wrote, for the collector."""
