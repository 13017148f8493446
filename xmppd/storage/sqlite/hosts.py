"""Which domains have accounts in a data file, and which of these lack keys, looked at from outside."""

import sqlite3
from contextlib import closing
from pathlib import Path

_BY_OWNER = "SELECT owner, count(*), min(key) FROM kv WHERE store = ? GROUP BY owner"


def accounts_by_host(file: Path) -> dict[str, int]:
    """Give how many accounts each domain has in *file*; nothing where that cannot be seen without writing."""
    return {host: accounts for host, accounts, _ in _by_owner(file, "accounts")}


def lacking_by_host(file: Path) -> dict[str, tuple[int, str]]:
    """Give how many accounts of each domain lack keys for some hash, and the name of one; as `accounts_by_host`."""
    return {host: (accounts, name) for host, accounts, name in _by_owner(file, "lacking")}


def _by_owner(file: Path, store: str) -> list[tuple[str, int, str]]:
    how = "mode=ro" if Path(f"{file}-wal").exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True)) as connection:
            return connection.execute(_BY_OWNER, (store,)).fetchall()
    except sqlite3.Error:
        return []
