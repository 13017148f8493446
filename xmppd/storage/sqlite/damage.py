"""Whether a data file is whole, looked at from outside: a file of a server that runs, or one at rest."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

LOOK_AT_MOST_S = 5.0
SMALL_BYTES = 256 * 1024 * 1024
"""A file of this size is looked through in half a second; a larger one in a thread while the server runs."""
_OF_LOGINS = ("kv", "box", "dead_box", "fresh")
"""Accounts, rosters and all else that is found by a key; the list of archives and queues, and what is new in them."""
_STEPS = 100_000
"""Of SQLite's virtual machine between two looks at the clock."""


def damage(path: Path, look_s: float = LOOK_AT_MOST_S) -> str | None:
    """Say what SQLite finds wrong in the file; None for what it has not found within *look_s* seconds.

    Nothing is written, not even beside the file. One that a crash has left with a log is not looked at: only a server
    can put the two together.
    """
    has_log = Path(f"{path}-wal").exists()
    how = "mode=ro" if has_log else "mode=ro&immutable=1"
    ends_at = time.monotonic() + look_s
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > ends_at, _STEPS)
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:
        return None  # time is up, or it is a log that cannot be read
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else " ".join(str(found).split())


def is_small(path: Path) -> bool:
    """Say whether all that logins read is looked through in a moment."""
    return path.stat().st_size <= SMALL_BYTES


def damage_of_logins(connection: sqlite3.Connection) -> str | None:
    """Say what SQLite finds wrong in the pages that a login reads; None where they are whole. Waits for the disk."""
    for table in _OF_LOGINS:
        try:
            (found,) = connection.execute(f"PRAGMA quick_check({table})").fetchone()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            return str(error)
        if found != "ok":
            return " ".join(str(found).split())
    return None
