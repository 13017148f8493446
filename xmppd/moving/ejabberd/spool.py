"""A dump, sorted: it has table behind table, and what belongs to one account is wanted together.

The terms go into a temporary database as they are written, by whom they belong to; so a dump of any size takes no more
memory than a term, and as much room on disk once more.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from xmppd.moving.ejabberd.records import Record, jid_of, time_of
from xmppd.moving.erlang import read_term, split_terms
from xmppd.moving.source import SourceError

_MAKE: Final = (
    "CREATE TABLE term (kind TEXT NOT NULL, owner TEXT NOT NULL, at REAL NOT NULL, data BLOB NOT NULL)"
)
_INDEX: Final = "CREATE INDEX by_owner ON term (owner, kind, at)"
_OF: Final = "SELECT data FROM term WHERE owner = ? AND kind = ? ORDER BY at, rowid"
_OWNERS: Final = "SELECT DISTINCT owner FROM term WHERE kind = ? ORDER BY owner"
_COUNTS: Final = "SELECT kind, count(*), min(owner) FROM term GROUP BY kind"
_STRANGERS: Final = (
    "SELECT DISTINCT owner FROM term WHERE kind = ? "
    "AND owner NOT IN (SELECT owner FROM term WHERE kind = 'passwd') ORDER BY owner"
)
NODE: Final = "node "
"""Items and states belong to a node, by its number."""


def _us(record: Record) -> str:
    return jid_of(record.get("us")[:2]).bare


def _number(record: Record) -> str:
    return f"{NODE}{record.get('nodeidx')}"


_OWNER: Final[Mapping[str, Callable[[Record], str]]] = {
    "passwd": _us,
    "last_activity": _us,
    "vcard": _us,
    "privacy": _us,
    "archive_prefs": _us,
    "offline_msg": _us,
    "archive_msg": _us,
    "roster": _us,
    "private_storage": lambda record: jid_of(record.get("usns")[:2]).bare,
    "muc_room": lambda record: jid_of(record.get("name_host")).bare,
    "pubsub_node": lambda record: jid_of(record.get("nodeid")[0]).bare,
    "pubsub_item": _number,
    "pubsub_state": _number,
}
"""Whose a record is."""
_TIME: Final[Mapping[str, Callable[[Record], float]]] = {
    "archive_msg": lambda record: time_of(record.get("timestamp")),
    "offline_msg": lambda record: time_of(record.get("timestamp")),
    "pubsub_item": lambda record: time_of(record.get("modification")[0]),
}
"""What has an order."""


class Spool:
    """The sorted dump."""

    def __init__(self, file: Path):
        """Raises OSError where it cannot be read."""
        self._file = file
        self.read_bytes = 0
        self.total_bytes = file.stat().st_size
        self._tables: dict[str, tuple[str, ...]] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="xmppctl-")
        self._connection = sqlite3.connect(Path(self._folder.name) / "dump", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(_MAKE)

    def close(self) -> None:
        """Remove it."""
        self._connection.close()
        self._folder.cleanup()

    def fill(self) -> Iterator[str]:
        """Read the dump; gives what cannot be read of it, in words. `SourceError` where it is no dump."""
        self._connection.execute("BEGIN")
        with self._file.open("rb") as stream:
            for data in split_terms(self._counted(stream)):
                error = self._take(data) if isinstance(data, bytes) else str(data)
                if error:
                    yield error
        if not self._tables:
            raise SourceError(_NO_DUMP.format(file=self._file))
        self._connection.execute("COMMIT")
        self._connection.execute(_INDEX)

    def _counted(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            self.read_bytes += len(line)
            yield line

    def _take(self, data: bytes) -> str:
        try:
            term = read_term(data)
            if not self._tables:
                self._tables = _described(term)
                return ""
            record = self.record(term)
            owner = _OWNER[record.table](record) if record.table in _OWNER else ""
            at = _TIME[record.table](record) if record.table in _TIME else 0.0
        except (ValueError, TypeError, IndexError, KeyError) as error:
            if not self._tables:
                raise SourceError(_NO_DUMP.format(file=self._file)) from error
            return f"{data[:60].decode(errors='replace')}…: {error}"
        self._connection.execute("INSERT INTO term VALUES (?, ?, ?, ?)", (record.table, owner, at, data))
        return ""

    def record(self, term: Any) -> Record:
        """Give a term as a record, by the table's description; ValueError."""
        names = self._tables.get(term[0]) if isinstance(term, tuple) and term else None
        if names is None:
            raise ValueError("a record of no table")
        return Record(str(term[0]), dict(zip(names, term[1:], strict=False)))

    def owners(self, kind: str) -> list[str]:
        """Give whose records there are in a table, sorted."""
        return [row[0] for row in self._connection.execute(_OWNERS, (kind,))]

    def strangers(self, kind: str) -> list[str]:
        """Give whose records there are in a table without an account."""
        return [row[0] for row in self._connection.execute(_STRANGERS, (kind,))]

    def of(self, owner: str, kind: str) -> Iterator[Record]:
        """Give the records of an owner in a table, in order of time."""
        for (data,) in self._connection.execute(_OF, (owner, kind)):
            yield self.record(read_term(data))

    def counts(self) -> list[tuple[str, int, str]]:
        """Give each table with the number of its records, and an owner."""
        return self._connection.execute(_COUNTS).fetchall()


def _described(term: Any) -> dict[str, tuple[str, ...]]:
    """The first term: ``{tables, [{Name, [{record_name, _}, {attributes, [Name, …]}]}, …]}``; ValueError."""
    if not (isinstance(term, tuple) and len(term) == 2 and term[0] == "tables"):
        raise ValueError("no description of tables")
    return {
        str(name): tuple(map(str, next(value for key, value in facts if key == "attributes")))
        for name, facts in term[1]
    }


_NO_DUMP: Final = (
    "{file} is no dump of ejabberd: make one with ejabberdctl dump FILE, or an export with "
    "ejabberdctl export_piefxis FOLDER, and give the file in it that includes the others"
)
