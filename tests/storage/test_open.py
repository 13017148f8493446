"""From a url to a storage."""

from pathlib import Path
from typing import cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase

from xmppd.storage.memory import MemoryStorage
from xmppd.storage.open import open_storage
from xmppd.storage.sqlite.store import SQLiteStorage

REACTOR = cast(IReactorFromThreads, reactor)


class OpenStorageTests(SynchronousTestCase):
    """`open_storage`."""

    def test_sqlite_is_relative_to_the_data_folder(self) -> None:
        """A relative file lies in the data folder, an absolute one where it says."""
        for name, path in (("a.sqlite", "/data/a.sqlite"), ("/var/b", "/var/b")):
            storage = open_storage(f"sqlite:{name}", Path("/data"), REACTOR)
            assert isinstance(storage, SQLiteStorage)
            self.assertEqual(storage.path, Path(path))

    def test_memory(self) -> None:
        """``memory:`` keeps nothing."""
        self.assertIsInstance(open_storage("memory:", Path("/data"), REACTOR), MemoryStorage)

    def test_anything_else_gets_a_remedy(self) -> None:
        """An unknown scheme, or one without what it needs, is one line that says what to write."""
        for url in ("", "sqlite", "sqlite:", "mysql:x", "postgresql://x", "memory:x", "/a/file"):
            with self.assertRaises(ValueError) as raised:
                open_storage(url, Path("/data"), REACTOR)
            self.assertIn("write", str(raised.exception))
            self.assertNotIn("\n", str(raised.exception))
