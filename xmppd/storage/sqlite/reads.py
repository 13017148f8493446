"""What the reading threads execute: plain functions of a connection. All of them wait.

Each sees one state of the file: by being one statement, or by `_in_snapshot`. Nothing is begun for one statement alone,
since at each step of SQLite a thread gives up the interpreter and has to wait for it.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from xmppd.storage.interface import Entry, Selection, UnknownEntry, by_store
from xmppd.storage.sqlite.times import first_after, last_before

_COLUMNS = (
    "seq, coalesce(id, ''), sent_at, coalesce(with_jid, ''), stanza, extra, coalesce(with_resource, '')"
)

_OWNERS = """
WITH RECURSIVE owners (owner) AS (
    SELECT min(owner) FROM kv WHERE store = :store
    UNION ALL
    SELECT (SELECT min(kv.owner) FROM kv WHERE kv.store = :store AND kv.owner > owners.owner)
    FROM owners WHERE owner IS NOT NULL
)
SELECT owner FROM owners WHERE owner IS NOT NULL
UNION
SELECT owner FROM box WHERE store = :store AND (
    EXISTS (SELECT 1 FROM entry WHERE entry.box = box.box) OR EXISTS (SELECT 1 FROM fresh WHERE fresh.box = box.box)
)
ORDER BY owner
"""

_IDS_A_STATEMENT = 100

P = ParamSpec("P")
T = TypeVar("T")


class _Box(NamedTuple):
    number: int
    skew: float


class _Part(NamedTuple):
    """The part of an archive in one table: the tail of a query, from FROM on, and its parameters."""

    tail: str
    parameters: list[object]


def _in_snapshot(
    work: Callable[Concatenate[sqlite3.Connection, P], T],
) -> Callable[Concatenate[sqlite3.Connection, P], T]:
    """Let all statements of *work* see the same state."""

    @wraps(work)
    def call(connection: sqlite3.Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        connection.execute("BEGIN")
        try:
            return work(connection, *args, **kwargs)
        finally:
            connection.execute("COMMIT")

    return call


def get(connection: sqlite3.Connection, store: str, owner: str, key: str) -> bytes | None:
    """The value of *key*, or None."""
    row = connection.execute(
        "SELECT value FROM kv WHERE store = ? AND owner = ? AND key = ?", (store, owner, key)
    ).fetchone()
    return row[0] if row else None


def get_all(connection: sqlite3.Connection, store: str, owner: str) -> dict[str, bytes]:
    """All values by key, sorted."""
    return dict(
        connection.execute(
            "SELECT key, value FROM kv WHERE store = ? AND owner = ? ORDER BY key", (store, owner)
        )
    )


def keys(connection: sqlite3.Connection, store: str, owner: str) -> list[str]:
    """All keys, sorted."""
    rows = connection.execute("SELECT key FROM kv WHERE store = ? AND owner = ? ORDER BY key", (store, owner))
    return [key for (key,) in rows]


def load(connection: sqlite3.Connection, owner: str, stores: Sequence[str]) -> dict[str, dict[str, bytes]]:
    """The values of several stores, by store and key."""
    marks = ", ".join("?" * len(stores))
    rows = connection.execute(
        f"SELECT store, key, value FROM kv WHERE store IN ({marks}) AND owner = ? ORDER BY store, key",
        (*stores, owner),
    )
    found: dict[str, dict[str, bytes]] = {}
    for store, key, value in rows:
        found.setdefault(store, {})[key] = value
    return by_store(stores, found)


def owners(connection: sqlite3.Connection, store: str) -> list[str]:
    """Who has anything in *store*, sorted."""
    return [owner for (owner,) in connection.execute(_OWNERS, {"store": store})]


@_in_snapshot
def read(
    connection: sqlite3.Connection, store: str, owner: str, selection: Selection, limit: int, reverse: bool
) -> list[Entry]:
    """A page of an archive."""
    order = "DESC" if reverse else "ASC"
    parts = _parts(connection, store, owner, selection)
    page: list[Entry] = []
    for tail, parameters in reversed(parts) if reverse else parts:
        if len(page) < limit:
            query = f"SELECT {_COLUMNS} {tail} ORDER BY seq {order} LIMIT ?"
            page += map(Entry._make, connection.execute(query, [*parameters, limit - len(page)]))
    return page


@_in_snapshot
def read_ids(connection: sqlite3.Connection, store: str, owner: str, ids: Sequence[str]) -> list[Entry]:
    """The entries with these ids; raises `UnknownEntry` if one is missing."""
    box = _box(connection, store, owner)
    wanted = list(dict.fromkeys(ids))
    found: dict[str, Entry] = {}
    for start in range(0, len(wanted) if box else 0, _IDS_A_STATEMENT):
        part = wanted[start : start + _IDS_A_STATEMENT]
        marks = ", ".join("?" * len(part))
        for source in ("fresh INDEXED BY fresh_box", "entry INDEXED BY entry_id"):
            query = f"SELECT {_COLUMNS} FROM {source} WHERE box = ? AND id IN ({marks}) ORDER BY seq DESC"
            rows = connection.execute(query, (box.number if box else 0, *part))
            found.update((entry.id, entry) for entry in map(Entry._make, rows))
    missing = set(wanted) - set(found)
    if missing:
        raise UnknownEntry(min(missing))
    return sorted(found.values())


@_in_snapshot
def count(
    connection: sqlite3.Connection, store: str, owner: str, selection: Selection, limit: int | None
) -> int:
    """How many entries there are, counting no further than *limit*."""
    total = 0
    for tail, parameters in _parts(connection, store, owner, selection):
        most = -1 if limit is None else limit - total
        query = f"SELECT count(*) FROM (SELECT 1 {tail} LIMIT ?)"
        total += connection.execute(query, [*parameters, most]).fetchone()[0]
    return total


def _parts(connection: sqlite3.Connection, store: str, owner: str, selection: Selection) -> list[_Part]:
    """What *selection* means in each table of entries, the older ones' first; none where there is no box."""
    box = _box(connection, store, owner)
    after = max(selection.after, _seq_of(connection, box, selection.after_id, 0))
    before = selection.before
    if selection.before_id is not None:
        found = _seq_of(connection, box, selection.before_id, 0)
        before = found if before is None else min(before, found)
    if box is None:
        return []
    terms: list[tuple[str, object]] = [("box = ?", box.number)]
    if selection.with_jid is not None:
        terms.append(("with_jid = ?", selection.with_jid))
        if selection.with_resource is not None:
            terms.append(("coalesce(with_resource, '') = ?", selection.with_resource))
    if before is not None:
        terms.append(("seq < ?", before))
    in_time: list[tuple[str, object]] = []
    if selection.start is not None:
        in_time.append(("sent_at >= ?", selection.start))
    if selection.end is not None:
        in_time.append(("sent_at <= ?", selection.end))
    fresh = _part("fresh INDEXED BY fresh_box", [*terms, ("seq > ?", after), *in_time])
    if selection.start is not None:
        after = max(after, last_before(connection, box.number, box.skew, selection.start))
    if selection.end is not None:
        terms.append(("seq < ?", first_after(connection, box.number, box.skew, selection.end)))
    terms.append(("seq > ?", after))
    if box.skew:
        terms += in_time
    index = "entry_box" if selection.with_jid is None else "entry_with"
    return [_part(f"entry INDEXED BY {index}", terms), fresh]


def _part(source: str, terms: Sequence[tuple[str, object]]) -> _Part:
    text = " AND ".join(term for term, _ in terms)
    return _Part(f"FROM {source} WHERE {text}", [value for _, value in terms])


def _box(connection: sqlite3.Connection, store: str, owner: str) -> _Box | None:
    row = connection.execute(
        "SELECT box, skew FROM box WHERE store = ? AND owner = ?", (store, owner)
    ).fetchone()
    return _Box._make(row) if row else None


def _seq_of(connection: sqlite3.Connection, box: _Box | None, entry_id: str | None, default: int) -> int:
    if entry_id is None:
        return default
    for source in ("entry INDEXED BY entry_id", "fresh INDEXED BY fresh_box") if box is not None else ():
        query = f"SELECT seq FROM {source} WHERE box = ? AND id = ? ORDER BY seq LIMIT 1"
        row = connection.execute(query, (box.number if box else 0, entry_id)).fetchone()
        if row is not None:
            return int(row[0])
    raise UnknownEntry(entry_id)
