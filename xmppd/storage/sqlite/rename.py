"""Giving the data of one domain to another name: in a file that no server works with, in one transaction.

What belongs to the domain, to its accounts, and to their parts; and the accounts as contacts in rosters, as who asks
for a subscription, as owners of files, and as the other side in archives. The stanzas themselves, in archives and
queues, stay as they were sent, with the old name in them.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from xmppd.storage.interface import PART, StorageFailed
from xmppd.storage.sqlite.connection import open_writer

_TABLES_OF_OWNERS = ("kv", "box")
_KEYED_BY_CONTACT = ("roster", "subscription_requests", "introductions")
_NAMING_ACCOUNTS = ("upload_owners", "upload_ends")
"""Stores whose values are bare JIDs of accounts."""
_TABLES_OF_ENTRIES = ("fresh", "entry")


def rename_domain(file: Path, old: str, new: str) -> int:
    """Rename; gives how many owners there were. `StorageFailed` where the new name has such data, and then all is as it
    was."""
    with closing(open_writer(file, "power")) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            owners = dict(_renamed(connection, old, new))
            _rename(connection, owners, old, new)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.IntegrityError):
                raise StorageFailed(f"there are data of {new} already that would be overwritten") from error
            raise StorageFailed(f"the data file {file} cannot be changed: {error}") from error
    return len(owners)


def _renamed(connection: sqlite3.Connection, old: str, new: str) -> Iterator[tuple[str, str]]:
    found = connection.execute("SELECT owner FROM kv UNION SELECT owner FROM box").fetchall()
    for (owner,) in found:
        whole, part, rest = owner.partition(PART)
        local, at, domain = whole.rpartition("@")
        if domain == old:
            yield owner, f"{local}{at}{new}{part}{rest}"


def _rename(connection: sqlite3.Connection, owners: dict[str, str], old: str, new: str) -> None:
    changes = [(after, before) for before, after in owners.items()]
    for table in _TABLES_OF_OWNERS:
        connection.executemany(f"UPDATE {table} SET owner = ? WHERE owner = ?", changes)
    names = {"ending": f"@{old}", "new": f"@{new}", "length": len(old) + 1}
    for store in _KEYED_BY_CONTACT:
        connection.execute(_RENAME_KEYS, {**names, "store": store})
    for store in _NAMING_ACCOUNTS:
        connection.execute(_RENAME_VALUES, {**names, "store": store})
    for table in _TABLES_OF_ENTRIES:
        connection.execute(_RENAME_OTHER_SIDE.format(table=table), names)


_RENAME_KEYS = """
UPDATE kv SET key = substr(key, 1, length(key) - :length) || :new
WHERE store = :store AND length(key) > :length AND substr(key, -:length) = :ending
"""
_RENAME_VALUES = """
UPDATE kv SET value = CAST(substr(CAST(value AS TEXT), 1, length(CAST(value AS TEXT)) - :length) || :new AS BLOB)
WHERE store = :store AND substr(CAST(value AS TEXT), -:length) = :ending
"""
_RENAME_OTHER_SIDE = """
UPDATE {table} SET with_jid = substr(with_jid, 1, length(with_jid) - :length) || :new
WHERE length(with_jid) > :length AND substr(with_jid, -:length) = :ending
"""
