"""Prosody's SQLite (``mod_storage_sql``): a row for each key of a table, and one for each entry of an archive."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from xmppd.moving.lua import Table
from xmppd.moving.prosody.data import Kept, element_of
from xmppd.moving.source import SourceError
from xmppd.stanza.element import parse_element

_HOSTS: Final = "SELECT host FROM prosody UNION SELECT host FROM prosodyarchive"
_USERS: Final = (
    'SELECT DISTINCT "user" FROM prosody WHERE host = ? AND store = ? AND "user" <> \'\' '
    'UNION SELECT DISTINCT "user" FROM prosodyarchive WHERE host = ? AND store = ?'
)
_STORES: Final = (
    "SELECT DISTINCT store FROM prosody WHERE host = ? AND \"user\" <> '' "
    "UNION SELECT DISTINCT store FROM prosodyarchive WHERE host = ?"
)
_TABLE: Final = 'SELECT "key", type, value FROM prosody WHERE host = ? AND "user" = ? AND store = ?'
_ARCHIVE: Final = (
    'SELECT "key", "when", "with", type, value FROM prosodyarchive '
    'WHERE host = ? AND "user" = ? AND store = ? ORDER BY sort_id'
)


class ProsodySQLite:
    """A database; see `ProsodyData`."""

    def __init__(self, file: Path):
        """Raises `SourceError` where it is none of Prosody."""
        try:
            self._connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
            self._connection.text_factory = _text
            self._connection.execute(_HOSTS).fetchone()
        except sqlite3.Error as error:
            raise SourceError(f"{file} is no database of Prosody: {error}") from error

    def hosts(self) -> list[str]:
        """Give the hosts."""
        return sorted(row[0] for row in self._connection.execute(_HOSTS))

    def users(self, host: str, store: str) -> list[str]:
        """Give who has a row in *store*."""
        return sorted(row[0] for row in self._connection.execute(_USERS, (host, store, host, store)))

    def stores(self, host: str) -> list[str]:
        """Give the stores of a host."""
        return sorted(row[0] for row in self._connection.execute(_STORES, (host, host)))

    def table(self, host: str, user: str, store: str) -> Table:
        """Put a table together."""
        found: Table = {}
        for key, kind, text in self._connection.execute(_TABLE, (host, user, store)):
            value = _value(kind, text)
            if key == "" and isinstance(value, dict):
                found.update(value)
            else:
                found[key] = value
        return found

    def archive(self, host: str, user: str, store: str) -> Iterator[Kept | ValueError]:
        """Read an archive as far as it is asked for."""
        for key, at, with_jid, kind, text in self._connection.execute(_ARCHIVE, (host, user, store)):
            try:
                element = parse_element(text.encode()) if kind == "xml" else element_of(_value(kind, text))
                yield Kept(key, float(at), with_jid, element)
            except (ValueError, TypeError, AttributeError) as error:
                yield ValueError(f"entry {key} of {user}@{host} in {store}: {error}")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _value(kind: str, text: str) -> Any:
    """Give what a row holds; ValueError."""
    if kind == "json":
        return _table(json.loads(text))
    if kind == "number":
        number = float(text)
        return int(number) if number.is_integer() else number
    if kind == "boolean":
        return text == "true"
    return text


def _table(value: Any) -> Any:
    """Give the table that a JSON value stands for: ``__hash`` has keys that are no texts, ``__array`` has none.

    Recursion is bounded by that of the JSON reader.
    """
    if isinstance(value, list):
        return {index: _table(each) for index, each in enumerate(value, 1)}
    if not isinstance(value, dict):
        return value
    found = {key: _table(each) for key, each in value.items() if key not in ("__hash", "__array")}
    pairs = value.get("__hash", [])
    found.update(zip(pairs[::2], map(_table, pairs[1::2]), strict=False))
    found.update(enumerate(map(_table, value.get("__array", [])), 1))
    return found
