"""Which domains have accounts in a data file, looked at from outside."""

import sqlite3
from contextlib import closing
from pathlib import Path

_ACCOUNTS = "SELECT owner, count(*) FROM kv WHERE store = 'accounts' GROUP BY owner"


def accounts_by_host(file: Path) -> dict[str, int]:
    """Give how many accounts each domain has in *file*; nothing where that cannot be seen without writing."""
    how = "mode=ro" if Path(f"{file}-wal").exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True)) as connection:
            return dict(connection.execute(_ACCOUNTS).fetchall())
    except sqlite3.Error:
        return {}
