"""From a url to a storage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.storage.memory import MemoryStorage
from xmppd.storage.open import open_storage, open_text_index
from xmppd.storage.sqlite.store import SQLiteStorage
from xmppd.storage.text_index import Found, Text

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

    def test_an_index_of_words_goes_with_it(self) -> None:
        """It has a file beside the data's, or none; and is opened at its first use."""
        folder = temporary_folder(self)

        def in_thread(work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
            return maybeDeferred(work, *arguments)

        for url, files in (("memory:", []), ("sqlite:data", ["data.words"])):
            index = open_text_index(url, folder, in_thread)
            self.assertEqual(list(folder.iterdir()), [])
            self.successResultOf(index.add("a@x", [Text(1, "id", "two words")], 1))
            self.assertEqual(self.successResultOf(index.search("a@x", ["words"])), [Found(1, "id")])
            self.assertEqual([name for name in files if not (folder / name).exists()], [])
        with self.assertRaises(ValueError):
            open_text_index("mysql:x", folder, in_thread)
