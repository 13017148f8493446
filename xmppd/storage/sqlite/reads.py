"""What the reading threads execute: plain functions of a connection. All of them wait.

Each sees one state of the file: by being one statement, or by `_in_snapshot`. Nothing is begun for one statement alone,
since at each step of SQLite a thread gives up the interpreter and has to wait for it.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from xmppd.storage.interface import ALL, PART, Entry, KeyRange, Selection, UnknownEntry, by_store
from xmppd.storage.sqlite.times import first_after, last_before

_COLUMNS = (
    "seq, coalesce(id, ''), sent_at, coalesce(with_jid, ''), stanza, extra, coalesce(with_resource, '')"
)

_KEYED_OWNERS = """
WITH RECURSIVE owners (owner) AS (
    SELECT min(owner) FROM kv WHERE store = :store AND owner >= :from AND owner < :to
    UNION ALL
    SELECT (SELECT min(kv.owner) FROM kv WHERE kv.store = :store AND kv.owner >= {next} AND kv.owner < :to)
    FROM owners WHERE owner IS NOT NULL
)
SELECT owner FROM owners WHERE owner IS NOT NULL {which} LIMIT :limit
"""
"""Owners one by one, each found by the index: the keys of one may be many. No name is between NAME and NAME + U+1."""
_BOXED_OWNERS = """
SELECT owner FROM box WHERE store = :store AND owner >= :from AND owner < :to {which} AND (
    EXISTS (SELECT 1 FROM entry WHERE entry.box = box.box) OR EXISTS (SELECT 1 FROM fresh WHERE fresh.box = box.box)
)
ORDER BY owner LIMIT :limit
"""
_IS_WHOLE = "AND instr(owner, char(10)) = 0"
_BEHIND = "owners.owner || char(1)"
_BEHIND_PARTS = f"""
CASE WHEN instr(owners.owner, char(10)) = 0 THEN {_BEHIND}
ELSE substr(owners.owner, 1, instr(owners.owner, char(10)) - 1) || char(11) END
"""
_OWNERS = (
    _KEYED_OWNERS.format(next=_BEHIND_PARTS, which=_IS_WHOLE),
    _BOXED_OWNERS.format(which=_IS_WHOLE),
)
_PARTS = (_KEYED_OWNERS.format(next=_BEHIND, which=""), _BOXED_OWNERS.format(which=""))
_BEYOND_ALL = b""
"""A blob is greater than any text."""

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


def get_range(
    connection: sqlite3.Connection, store: str, owner: str, keys: KeyRange, limit: int, reverse: bool
) -> dict[str, bytes]:
    """A page of values by key."""
    terms: list[tuple[str, object]] = [("store = ?", store), ("owner = ?", owner), ("key >= ?", keys.start)]
    if keys.after is not None:
        terms.append(("key > ?", keys.after))
    if keys.before is not None:
        terms.append(("key < ?", keys.before))
    tail, parameters = _part("kv", terms)
    order = "DESC" if reverse else "ASC"
    return dict(
        connection.execute(f"SELECT key, value {tail} ORDER BY key {order} LIMIT ?", [*parameters, limit])
    )


@_in_snapshot
def owners(connection: sqlite3.Connection, store: str, after: str | None, limit: int) -> list[str]:
    """Who has anything in *store*, sorted; not their parts."""
    return _owners(connection, _OWNERS, store, "" if after is None else _behind(after), _BEYOND_ALL, limit)


@_in_snapshot
def parts(connection: sqlite3.Connection, store: str, owner: str, after: str | None, limit: int) -> list[str]:
    """The names of the parts of *owner* that have anything in *store*, sorted."""
    first, end = parts_between(owner)
    begin = first if after is None else _behind(first + after)
    return [part.removeprefix(first) for part in _owners(connection, _PARTS, store, begin, end, limit)]


def parts_between(owner: str) -> tuple[str, str]:
    """The parts of *owner* have names from the first of these on, below the second."""
    return owner + PART, owner + chr(ord(PART) + 1)


def _behind(name: str) -> str:
    """The first name that is greater."""
    return name + "\1"


def _owners(
    connection: sqlite3.Connection,
    queries: Sequence[str],
    store: str,
    begin: str,
    end: str | bytes,
    limit: int,
) -> list[str]:
    bounds = {"store": store, "from": begin, "to": end, "limit": limit}
    found = {owner for query in queries for (owner,) in connection.execute(query, bounds)}
    return sorted(found)[:limit]


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
    """The entries with these ids that are there."""
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


@_in_snapshot
def measure(connection: sqlite3.Connection, store: str, owner: str) -> tuple[int, int]:
    """How many entries there are, and the size of their stanzas."""
    total = size_bytes = 0
    for tail, parameters in _parts(connection, store, owner, ALL):
        query = f"SELECT count(*), coalesce(sum(length(stanza)), 0) {tail}"
        entries, size = connection.execute(query, parameters).fetchone()
        total, size_bytes = total + entries, size_bytes + size
    return total, size_bytes


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
