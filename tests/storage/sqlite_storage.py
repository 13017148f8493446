"""SQLite in a folder of a test."""

import sqlite3
from pathlib import Path
from typing import cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.temporary import temporary_folder
from xmppd.storage.sqlite.connection import open_writer
from xmppd.storage.sqlite.schema import bring_up
from xmppd.storage.sqlite.store import SQLiteStorage

WAIT_S = 10.0
REACTOR = cast(IReactorFromThreads, reactor)


def new_storage(test: TestCase, path: Path | None = None, start: bool = True) -> SQLiteStorage:
    """A storage over *path*, or a file of this test's own; stopped at the test's end."""
    storage = SQLiteStorage(path or temporary_folder(test) / "data", REACTOR, "process")
    storage.prepare()
    if start:
        storage.start()
    test.addCleanup(storage.stop)
    return storage


def new_connection(test: SynchronousTestCase) -> sqlite3.Connection:
    """The writer's connection to a file of this test's own; closed at the test's end."""
    path = temporary_folder(test) / "data"
    bring_up(path)
    connection = open_writer(path, "process")
    test.addCleanup(connection.close)
    return connection
