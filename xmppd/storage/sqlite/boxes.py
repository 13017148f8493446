"""The small numbers of (store, owner), and what the writer must know of each to keep time queries quick.

*skew* is by how many seconds the entries of a box ever were out of order: the largest ``sent_at`` so far less the one
appended (see `xmppd.storage.sqlite.times`).
"""

import sqlite3
from collections import OrderedDict

from xmppd.storage.bounds import check_time
from xmppd.storage.interface import NewEntry
from xmppd.storage.sqlite.reads import parts_between

REMEMBERED = 20_000
"""Of so many boxes the newest times are kept in memory, some 200 bytes each."""


_NEWEST_AT = """
SELECT max(sent_at) FROM (
    SELECT sent_at + :skew AS sent_at FROM (
        SELECT sent_at FROM entry INDEXED BY entry_box WHERE box = :box ORDER BY seq DESC LIMIT 1
    )
    UNION ALL
    SELECT max(sent_at) FROM fresh INDEXED BY fresh_box WHERE box = :box
)
"""
"""No entry was sent later than that."""

_BOXES_OF = """
SELECT store, owner FROM box WHERE owner = ?
UNION ALL
SELECT store, owner FROM box WHERE owner >= ? AND owner < ?
"""
_SWEEP = "DELETE FROM entry WHERE seq IN (SELECT seq FROM entry INDEXED BY entry_box WHERE box = ? LIMIT ?)"


class Box:
    """One box, as the writer sees it inside its transaction."""

    __slots__ = ("newest_at", "number", "skew")

    def __init__(self, number: int, newest_at: float, skew: float) -> None:
        self.number = number
        self.newest_at = newest_at
        self.skew = skew


class Boxes:
    """Finds, makes and forgets boxes; remembers the latest used ones. Only the writing thread uses it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: OrderedDict[tuple[str, str], Box] = OrderedDict()
        self.has_dropped = True
        (self.fresh_rows,) = connection.execute("SELECT count(*) FROM fresh").fetchone()

    def __len__(self) -> int:
        return len(self._known)

    def forget(self) -> None:
        """Remember nothing: after a rollback what is remembered may be wrong."""
        self._known.clear()

    def trim(self) -> None:
        """Remember no more than the bound.

        Between groups only: a box knows of entries that are not yet written.
        """
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def sweep(self, rows: int) -> None:
        """Delete at most *rows* rows of dropped boxes in a transaction of its own.

        `has_dropped` tells if more may be left.
        """
        dead = self._connection.execute("SELECT box FROM dead_box LIMIT 1").fetchone()
        if dead is None:
            self.has_dropped = False
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("DELETE FROM fresh WHERE box = ?", dead)
        swept = self._connection.execute(_SWEEP, (*dead, rows)).rowcount
        if swept < rows:
            self._connection.execute("DELETE FROM dead_box WHERE box = ?", dead)
        self._connection.execute("COMMIT")

    def merge(self) -> None:
        """Move all fresh entries to where the indexes are, in a transaction of its own."""
        self.fresh_rows = 0
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO entry SELECT * FROM fresh")
        self._connection.execute("DELETE FROM fresh")
        self._connection.execute("COMMIT")

    def find(self, store: str, owner: str) -> Box | None:
        """The box of *owner* in *store*, if there is one."""
        known = self._known.get((store, owner))
        if known is not None:
            return known
        row = self._connection.execute(
            "SELECT box, skew FROM box WHERE store = ? AND owner = ?", (store, owner)
        ).fetchone()
        if row is None:
            return None
        number, skew = row
        (newest_at,) = self._connection.execute(_NEWEST_AT, {"box": number, "skew": skew}).fetchone()
        return self._remember(store, owner, Box(number, newest_at or 0.0, skew))

    def for_append(self, store: str, owner: str, entry: NewEntry) -> int:
        """The number of the box that takes *entry*, made where there is none; keeps its skew true."""
        check_time(entry.sent_at)
        box = self._known.get((store, owner)) or self.find(store, owner) or self._make(store, owner)
        if entry.sent_at >= box.newest_at:
            box.newest_at = entry.sent_at
        elif box.newest_at - entry.sent_at > box.skew:
            self._widen(box, box.newest_at - entry.sent_at)
        return box.number

    def drop(self, store: str, owner: str) -> None:
        """Take all entries of *owner* in *store* out of sight; they are swept later."""
        box = self.find(store, owner)
        if box is not None:
            self._connection.execute("INSERT INTO dead_box VALUES (?)", (box.number,))
            self._connection.execute("DELETE FROM box WHERE box = ?", (box.number,))
            self._known.pop((store, owner), None)
            self.has_dropped = True

    def drop_owner(self, owner: str) -> None:
        """`drop` for every store, and for the owner's parts."""
        for place in self._connection.execute(_BOXES_OF, (owner, *parts_between(owner))).fetchall():
            self.drop(*place)

    def _make(self, store: str, owner: str) -> Box:
        cursor = self._connection.execute(
            "INSERT INTO box (store, owner, skew) VALUES (?, ?, 0)", (store, owner)
        )
        assert cursor.lastrowid is not None
        return self._remember(store, owner, Box(cursor.lastrowid, 0.0, 0.0))

    def _widen(self, box: Box, skew: float) -> None:
        box.skew = skew
        self._connection.execute("UPDATE box SET skew = ? WHERE box = ?", (skew, box.number))

    def _remember(self, store: str, owner: str, box: Box) -> Box:
        self._known[store, owner] = box
        return box
