"""Whose home a change belongs to."""

from typing import get_args

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.accounts import accounts
from xmppd.storage.homes import KEYED_BY_NAME, home, parts
from xmppd.storage.interface import (
    Append,
    Change,
    Delete,
    DeleteAll,
    DeleteEntries,
    DeleteOwner,
    NewEntry,
    Note,
    Put,
    Replace,
    part_of,
)

ALICE, HOST = "alice@localhost", "localhost"
ENTRY = NewEntry("id", 1.0, "", b"")


def of(owner: str) -> list[Change]:
    """One change of each kind."""
    return [
        Put("s", owner, "k", b""),
        Delete("s", owner, "k"),
        DeleteAll("s", owner),
        DeleteOwner(owner),
        Append("s", owner, ENTRY),
        Replace("s", owner, "id", b""),
        Note("s", owner, ((1, b""),)),
        DeleteEntries("s", owner, up_to=1),
    ]


class HomeTests(SynchronousTestCase):
    """`home` and `parts`."""

    def test_every_kind_has_one(self) -> None:
        """Whatever is done to an owner is done at its home, and to a part of it as well."""
        self.assertEqual({type(change) for change in of(ALICE)}, set(get_args(Change)))
        for change in (*of(ALICE), *of(part_of(ALICE, "node"))):
            self.assertEqual(home(change), ALICE)

    def test_stores_of_a_host_by_name(self) -> None:
        """An account's place in the lists of its host is at home with the account; a list as a whole with the host."""
        for store in KEYED_BY_NAME:
            for change in (Put(store, HOST, "alice", b""), Delete(store, HOST, "alice")):
                self.assertEqual(home(change), ALICE)
            self.assertEqual(home(DeleteAll(store, HOST)), HOST)
        self.assertEqual(home(Put("groups", HOST, "alice", b"")), HOST)

    def test_accounts_use_those(self) -> None:
        """The stores that the accounts keep by host are among them."""
        self.assertLessEqual({accounts.ACCOUNTS, accounts.DISABLED, accounts.TOMBSTONES}, KEYED_BY_NAME)

    def test_an_account_is_removed_in_one_transaction(self) -> None:
        """All that a removal changes has one home."""
        removal: list[Change] = [
            Delete(accounts.ACCOUNTS, HOST, "alice"),
            Delete(accounts.DISABLED, HOST, "alice"),
            DeleteOwner(ALICE),
            Put(accounts.TOMBSTONES, HOST, "alice", b"{}"),
        ]
        self.assertEqual(parts(removal), {ALICE: removal})

    def test_parts(self) -> None:
        """A message from one account to another is two transactions, each in its order."""
        sent, got = Append("archive", ALICE, ENTRY), Append("archive", "bob@x", ENTRY)
        counted, waiting = Put("sm_sessions", ALICE, "id", b"1"), Append("inbox", "bob@x", ENTRY)
        self.assertEqual(
            parts([sent, got, counted, waiting]), {ALICE: [sent, counted], "bob@x": [got, waiting]}
        )
