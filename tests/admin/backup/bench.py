"""Data folders to be backed up and restored, and a process that dies where it is told to."""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from xmppd.admin.backup.making import Place
from xmppd.storage.sqlite.connection import open_writer
from xmppd.storage.sqlite.schema import bring_up

NOW = 1_790_000_000.0
PUT = "INSERT INTO kv VALUES ('accounts', 'a.example', ?, '{}') ON CONFLICT DO NOTHING"
EVENTS = ("os.", "open", "shutil.", "sqlite3.connect")
DIED, DONE = "died", "done"


def make_data(folder: Path, *names: str, has_log: bool = False) -> Place:
    """Make a data folder with accounts of these names; with *has_log* as a killed server leaves it."""
    (folder / "certificates").mkdir(parents=True)
    (folder / "uploads" / "ab").mkdir(parents=True)
    database = folder / "xmppd.sqlite"
    bring_up(database)
    writer = open_writer(database, "power")
    writer.executemany(PUT, [(name,) for name in names])
    if has_log:
        kept = {suffix: Path(f"{database}{suffix}").read_bytes() for suffix in ("", "-wal")}
        writer.close()
        for suffix, content in kept.items():
            Path(f"{database}{suffix}").write_bytes(content)
    else:
        writer.close()
    (folder / "secret").write_text(f"the secret of {' '.join(names)}")
    (folder / "certificates" / "a.crt").write_text(f"certificate of {' '.join(names)}")
    (folder / "uploads" / "ab" / "file").write_text("an upload")
    (folder / "xmppd.lock").write_text("1")
    (folder / "xmppd.sqlite.words").write_text("words of others")
    (folder / "server.log").write_text("a log")
    return Place(folder, database, None)


def accounts(place: Place) -> set[str]:
    """Give the accounts that a server would find: it brings the file up, and checks it, first."""
    bring_up(place.database)
    with closing(sqlite3.connect(place.database)) as connection:
        return {row[0] for row in connection.execute("SELECT key FROM kv WHERE store = 'accounts'")}


def dying(work: Callable[[], object], folder: Path) -> Iterator[int]:
    """Do *work* again and again in a process that is killed at its 1st, 2nd, 3rd… touch of a file in *folder*.

    Gives the number each time it was killed, and ends when it was not.
    """
    for number in count(1):
        if _do(work, folder, number) == DONE:
            return
        yield number


def _do(work: Callable[[], object], folder: Path, number: int) -> str:
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            return DIED
        assert os.waitstatus_to_exitcode(status) == 0, "the work has failed"
        return DONE
    touched = 0

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal touched
        if event.startswith(EVENTS) and any(str(folder) in str(each) for each in arguments[:2]):
            touched += 1
            if touched == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hear)
    try:
        work()
    except BaseException:  # noqa: BLE001 - the process of a test has no other way to say so
        os._exit(1)
    os._exit(0)
