"""Giving the data of a domain to another name, in a file at rest."""

import sqlite3
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.storage.interface import PART, StorageFailed
from xmppd.storage.sqlite.hosts import accounts_by_host
from xmppd.storage.sqlite.rename import rename_domain
from xmppd.storage.sqlite.schema import bring_up

KV = [
    ("accounts", "old.example", "al"),
    ("credentials", "al@old.example", ""),
    ("rooms", f"al@old.example{PART}x", "k"),
    ("roster", "al@old.example", "bo@old.example"),
    ("roster", "al@old.example", "cy@very.old.example"),
    ("roster", "di@else.example", "al@old.example"),
    ("private", "di@else.example", "al@old.example"),
    ("accounts", "very.old.example", "cy"),
]
RENAMED = [
    ("accounts", "new.example", "al"),
    ("credentials", "al@new.example", ""),
    ("rooms", f"al@new.example{PART}x", "k"),
    ("roster", "al@new.example", "bo@new.example"),
    ("roster", "al@new.example", "cy@very.old.example"),
    ("roster", "di@else.example", "al@new.example"),
    ("private", "di@else.example", "al@old.example"),
    ("accounts", "very.old.example", "cy"),
]
ENTRY = "INSERT INTO {} (seq, box, sent_at, with_jid, extra, stanza) VALUES (?, 1, 0, ?, x'', x'')"


class RenameTests(SynchronousTestCase):
    """Owners, their parts, and the accounts as contacts of others."""

    def setUp(self) -> None:
        self.file = temporary_folder(self) / "data"
        bring_up(self.file)
        with self.open() as connection:
            connection.executemany("INSERT INTO kv VALUES (?, ?, ?, x'')", KV)
            connection.execute("INSERT INTO box (box, store, owner) VALUES (1, 'archive', 'al@old.example')")
            connection.execute(ENTRY.format("entry"), (1, "bo@old.example"))
            connection.execute(ENTRY.format("fresh"), (2, "bo@bold.example"))
            connection.commit()

    def open(self) -> "closing[sqlite3.Connection]":
        """Give a connection that is closed at the end."""
        return closing(sqlite3.connect(self.file))

    def rows(self, question: str = "SELECT store, owner, key FROM kv") -> list[tuple[object, ...]]:
        """Give what is there, sorted."""
        with self.open() as connection:
            return sorted(connection.execute(question).fetchall())

    def test_renamed(self) -> None:
        """Names that only end alike stay, and so does what no one reads as a contact."""
        self.assertEqual(rename_domain(self.file, "old.example", "new.example"), 3)
        self.assertEqual(self.rows(), sorted(RENAMED))
        self.assertEqual(self.rows("SELECT owner FROM box"), [("al@new.example",)])
        self.assertEqual(self.rows("SELECT with_jid FROM entry"), [("bo@new.example",)])
        self.assertEqual(self.rows("SELECT with_jid FROM fresh"), [("bo@bold.example",)])

    def test_who_owns_files(self) -> None:
        """A file stays that of its account, and of no other."""
        values = [("a", b"al@old.example"), ("b", b"al@very.old.example"), ("c", b"al@else.example")]
        with self.open() as connection:
            connection.executemany("INSERT INTO kv VALUES ('upload_owners', 'upload.example', ?, ?)", values)
            connection.commit()
        rename_domain(self.file, "old.example", "new.example")
        found = self.rows("SELECT key, value FROM kv WHERE store = 'upload_owners'")
        self.assertEqual(found, [("a", b"al@new.example"), *values[1:]])

    def test_data_of_the_new_name(self) -> None:
        """Nothing is overwritten, and then nothing is changed."""
        with self.open() as connection:
            connection.execute("INSERT INTO kv VALUES ('credentials', 'al@new.example', '', x'')")
            connection.commit()
        before = self.rows()
        error = self.assertRaises(StorageFailed, rename_domain, self.file, "old.example", "new.example")
        self.assertIn("there are data of new.example already", str(error))
        self.assertEqual(self.rows(), before)

    def test_who_has_accounts(self) -> None:
        """Seen from outside, with nothing written beside the file."""
        with self.open() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.assertEqual(accounts_by_host(self.file), {"old.example": 1, "very.old.example": 1})
        self.assertEqual([file.name for file in self.file.parent.iterdir()], ["data"])
        self.assertEqual(accounts_by_host(self.file.with_name("none")), {})
