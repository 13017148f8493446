"""Each read sees one state of the file."""

import sqlite3
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.storage.interface import ALL, KeyRange, Selection, UnknownEntry
from xmppd.storage.sqlite import reads
from xmppd.storage.sqlite.schema import STEPS

ALICE = "alice@localhost"


class SnapshotTests(SynchronousTestCase):
    """One statement by itself, or several in one transaction: a writer may commit at any moment."""

    def setUp(self) -> None:
        """A file with one archive."""
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript("".join(step for step in STEPS if isinstance(step, str)))
        self.connection.execute(
            "INSERT INTO box (box, store, owner, skew) VALUES (1, 'archive', ?, 0)", (ALICE,)
        )

    def statements(self, work: Callable[..., object], *arguments: Any) -> list[str]:
        """The first words of what a read executes."""
        seen: list[str] = []
        self.connection.set_trace_callback(lambda text: seen.append(text.split()[0]))
        try:
            work(self.connection, *arguments)
        finally:
            self.connection.set_trace_callback(None)
        return seen

    def test_values_are_one_statement(self) -> None:
        """No transaction is begun, which would be two more waits for the interpreter."""
        for work, *arguments in (
            (reads.get, "roster", ALICE, ""),
            (reads.get_all, "roster", ALICE),
            (reads.keys, "roster", ALICE),
            (reads.load, ALICE, ("roster", "requests")),
            (reads.get_range, "roster", ALICE, KeyRange("a", "b", "c"), 10, True),
        ):
            self.assertEqual(["SELECT"], self.statements(work, *arguments), work)

    def test_archives_are_read_in_a_transaction(self) -> None:
        """Its number, its place and its entries are looked up one after another."""
        for work, *arguments in (
            (reads.read, "archive", ALICE, ALL, 10, False),
            (reads.read_ids, "archive", ALICE, ()),
            (reads.count, "archive", ALICE, ALL, None),
            (reads.owners, "archive", None, 10),
            (reads.parts, "archive", ALICE, None, 10),
        ):
            seen = self.statements(work, *arguments)
            self.assertEqual(["BEGIN", "COMMIT"], [seen[0], seen[-1]], work)
            self.assertNotIn("BEGIN", seen[1:])
        self.assertFalse(self.connection.in_transaction)

    def test_a_failed_read_leaves_no_transaction(self) -> None:
        """The next reader of the thread begins its own."""
        with self.assertRaises(UnknownEntry):
            reads.read(self.connection, "archive", ALICE, Selection(after_id="nobody"), 10, False)
        self.assertFalse(self.connection.in_transaction)
