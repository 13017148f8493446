"""The accounts service over memory."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.accounts.accounts import (
    ACCOUNTS,
    CREDENTIALS,
    PASSWORD_CHARS,
    TOMBSTONES,
    AccountEvent,
    AccountExists,
    Accounts,
    AccountTombstoned,
    InvalidName,
    InvalidPassword,
    NoSuchAccount,
)
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Append, NewEntry, Put, StorageFailed, StorageFull
from xmppd.storage.memory import MemoryStorage
from xmppd.stream.sasl import credentials as scram
from xmppd.stream.sasl.credentials import Credentials

ALICE = JID("alice", "localhost", None)
BOB = JID("bob", "localhost", None)
DAY_S = 86_400.0


def derive(password: str) -> Credentials:
    """Credentials with one iteration, to save time."""
    return scram.derive(password, iterations=1)


class Threads:
    """Calls at once, or when told to."""

    def __init__(self) -> None:
        self.is_holding = False
        self.calls = 0
        self._held: list[Callable[[], Any]] = []

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        """Call *function*."""
        self.calls += 1
        if not self.is_holding:
            return execute(function, *arguments)
        waiting: Deferred[None] = Deferred()
        self._held.append(lambda: waiting.callback(None))
        return waiting.addCallback(lambda _: function(*arguments))

    def release(self) -> None:
        """Make the calls that were held."""
        held, self._held = self._held, []
        for call in held:
            call()


class AccountsTests(SynchronousTestCase):
    """`Accounts`."""

    def setUp(self) -> None:
        """No account; a clock at 1000."""
        self.clock = Clock()
        self.clock.advance(1000)
        self.storage = MemoryStorage()
        self.threads = Threads()
        self.accounts = self.new_accounts()

    def new_accounts(self, tombstone_s: float = 0.0) -> Accounts:
        """A loaded service, as after a restart."""
        accounts = Accounts(
            self.storage,
            self.threads,
            self.clock.seconds,
            derive=derive,
            tombstone_s=lambda host: tombstone_s,
        )
        self.successResultOf(accounts.load())
        return accounts

    def is_right(self, jid: JID, password: str) -> bool:
        """Whether the password is accepted."""
        return self.successResultOf(self.accounts.check(jid, password))

    def test_an_account_can_log_in_once_it_is_made(self) -> None:
        """A created account exists and has its password, after a restart too."""
        self.assertFalse(self.accounts.exists(ALICE.bare))
        self.successResultOf(self.accounts.create(ALICE, "secret"))
        for accounts in (self.accounts, self.new_accounts()):
            self.accounts = accounts
            self.assertTrue(accounts.exists(ALICE.bare))
            self.assertTrue(self.is_right(ALICE, "secret"))
            self.assertFalse(self.is_right(ALICE, "Secret"))
            self.assertFalse(self.is_right(BOB, "secret"))
            self.assertTrue(self.is_right(ALICE.with_resource("x"), "secret"))

    def test_no_password_is_stored(self) -> None:
        """What is stored are SCRAM keys (RFC 5802 3), nothing that the password can be read from."""
        self.successResultOf(self.accounts.create(ALICE, "a very secret word"))
        stored = self.successResultOf(self.storage.get(CREDENTIALS, ALICE.bare))
        assert stored is not None
        self.assertNotIn(b"secret", stored)
        credentials = self.successResultOf(self.accounts.credentials(ALICE))
        assert credentials is not None
        self.assertEqual(set(credentials), {"SHA-1", "SHA-256", "SHA-512"})
        self.assertIsNone(self.successResultOf(self.accounts.credentials(BOB)))

    def test_a_name_is_given_once(self) -> None:
        """A second account of a name is refused, even while the first is still being made."""
        self.threads.is_holding = True
        first = self.accounts.create(ALICE, "one")
        self.failureResultOf(self.accounts.create(ALICE, "two"), AccountExists)
        self.threads.release()
        self.successResultOf(first)
        self.failureResultOf(self.accounts.create(ALICE, "three"), AccountExists)
        self.threads.is_holding = False
        self.assertTrue(self.is_right(ALICE, "one"))

    def test_names_that_are_refused(self) -> None:
        """RFC 7622 must allow the name as it is written, and the older stringprep must read it the same."""
        refused = [
            None,
            "",
            "Alice",
            "a b",
            "a@b",
            'a"b',
            "a/b",
            "a\u0000",
            "x" * 1024,
            "stra\u00dfe",
            "\u2168",
        ]
        for name in refused:
            failure = self.failureResultOf(
                self.accounts.create(JID(name, "localhost", None), "pw"), InvalidName
            )
            self.assertTrue(str(failure.value))
        self.assertEqual(self.successResultOf(self.accounts.list("localhost")), [])

    def test_names_that_are_fine(self) -> None:
        """Letters beyond ASCII, dots, escaped characters (XEP-0106)."""
        for name in ("j\u00fcrgen", "a.b-c_d", "d\\27artagnan", "\u0430\u043d\u043d\u0430", "1"):
            jid = JID(name, "localhost", None)
            self.successResultOf(self.accounts.create(jid, "pw"))
            self.assertTrue(self.accounts.exists(jid.bare))

    def test_passwords_that_are_refused(self) -> None:
        """Empty ones, those that SASLprep prohibits (RFC 4013 2.3), and endless ones.

        Nothing is left of the try.
        """
        for password in ("", "\u0007", "x" * (PASSWORD_CHARS + 1)):
            self.failureResultOf(self.accounts.create(ALICE, password), InvalidPassword)
        self.successResultOf(self.accounts.create(ALICE, "x" * PASSWORD_CHARS))
        self.failureResultOf(self.accounts.set_password(ALICE, ""), InvalidPassword)

    def test_another_password(self) -> None:
        """After a change the new password is right and the old one is not; listeners hear of it."""
        heard: list[JID] = []
        self.accounts.subscribe(AccountEvent.PASSWORD_CHANGED, heard.append)
        self.successResultOf(self.accounts.create(ALICE, "one"))
        self.successResultOf(self.accounts.set_password(ALICE.with_resource("x"), "two"))
        self.assertEqual([self.is_right(ALICE, word) for word in ("one", "two")], [False, True])
        self.assertEqual(heard, [ALICE])
        self.failureResultOf(self.accounts.set_password(BOB, "two"), NoSuchAccount)

    def test_an_unknown_user_costs_a_verification_too(self) -> None:
        """Checking takes a thread's work whether the account exists or not."""
        self.successResultOf(self.accounts.create(ALICE, "one"))
        for jid in (ALICE, BOB):
            before = self.threads.calls
            self.assertFalse(self.is_right(jid, "wrong"))
            self.assertEqual(self.threads.calls, before + 1)

    def test_removal_takes_all_data(self) -> None:
        """All that the account owned goes in one transaction, with what the caller adds.

        A tombstone is left.
        """
        self.successResultOf(self.accounts.create(ALICE, "one"))
        self.successResultOf(self.accounts.create(BOB, "one"))
        self.successResultOf(self.accounts.disable(ALICE))
        entry = NewEntry("id", 1.0, BOB.bare, b"<m/>")
        for jid in (ALICE, BOB):
            self.successResultOf(
                self.storage.commit(Put("roster", jid.bare, "x", b""), Append("archive", jid.bare, entry))
            )
        heard: list[JID] = []
        self.accounts.subscribe(AccountEvent.REMOVED, heard.append)
        extra = Put("roster", BOB.bare, "gone", b"alice")
        self.successResultOf(self.accounts.remove(ALICE, extra))
        self.assertEqual(heard, [ALICE])
        for store in (CREDENTIALS, "roster", "archive"):
            self.assertEqual(self.successResultOf(self.storage.owners(store)), [BOB.bare])
        self.assertEqual(self.successResultOf(self.storage.keys("roster", BOB.bare)), ["gone", "x"])
        self.assertEqual(self.successResultOf(self.storage.keys(TOMBSTONES, "localhost")), ["alice"])
        for accounts in (self.accounts, self.new_accounts()):
            self.assertFalse(accounts.exists(ALICE.bare))
            self.assertFalse(accounts.is_disabled(ALICE.bare))
            self.assertTrue(accounts.exists(BOB.bare))
        self.assertFalse(self.is_right(ALICE, "one"))
        self.failureResultOf(self.accounts.remove(ALICE), NoSuchAccount)

    def test_tombstones(self) -> None:
        """A removed name stays taken for the configured time, unless an administrator insists."""
        self.accounts = self.new_accounts(tombstone_s=DAY_S)
        self.successResultOf(self.accounts.create(ALICE, "one"))
        self.successResultOf(self.accounts.remove(ALICE))
        failure = self.failureResultOf(self.accounts.create(ALICE, "two"), AccountTombstoned)
        self.assertEqual(failure.value.until, 1000.0 + DAY_S)
        self.successResultOf(self.accounts.create(ALICE, "two", over_tombstone=True))
        self.assertEqual(self.successResultOf(self.storage.keys(TOMBSTONES, "localhost")), [])
        self.successResultOf(self.accounts.remove(ALICE))
        self.clock.advance(DAY_S)
        self.successResultOf(self.accounts.create(ALICE, "three"))

    def test_removal_while_a_password_is_derived(self) -> None:
        """A password that is ready after its account has gone is not stored."""
        self.successResultOf(self.accounts.create(ALICE, "one"))
        self.threads.is_holding = True
        change = self.accounts.set_password(ALICE, "two")
        self.successResultOf(self.accounts.remove(ALICE))
        self.threads.release()
        self.failureResultOf(change, NoSuchAccount)
        self.assertEqual(self.successResultOf(self.storage.owners(CREDENTIALS)), [])

    def test_an_account_that_is_being_removed(self) -> None:
        """While the removal waits for its commit there is no account, and none can be made in its place."""
        self.storage = MemoryStorage(self.clock, 1.0)
        self.accounts = self.new_accounts()
        created = self.accounts.create(ALICE, "one")
        self.clock.advance(1)
        self.successResultOf(created)
        removed = self.accounts.remove(ALICE)
        self.assertFalse(self.accounts.exists(ALICE.bare))
        self.failureResultOf(self.accounts.set_password(ALICE, "two"), NoSuchAccount)
        self.failureResultOf(self.accounts.remove(ALICE), NoSuchAccount)
        self.failureResultOf(self.accounts.create(ALICE, "two"), AccountExists)
        self.clock.advance(1)
        self.successResultOf(removed)
        self.assertFalse(self.accounts.exists(ALICE.bare))

    def test_a_removal_that_fails(self) -> None:
        """An account whose removal could not be committed is there as before."""
        self.successResultOf(self.accounts.create(ALICE, "one"))
        self.storage.failing = StorageFailed("broken")
        self.failureResultOf(self.accounts.remove(ALICE), StorageFailed)
        self.storage.failing = None
        self.assertTrue(self.accounts.exists(ALICE.bare))
        self.assertTrue(self.is_right(ALICE, "one"))

    def test_a_disabled_account(self) -> None:
        """Disabled, an account still exists and its password is still known, for a true answer at login."""
        self.successResultOf(self.accounts.create(ALICE, "one"))
        heard: list[str] = []
        self.accounts.subscribe(AccountEvent.DISABLED, lambda jid: heard.append("disabled"))
        self.accounts.subscribe(AccountEvent.ENABLED, lambda jid: heard.append("enabled"))
        self.successResultOf(self.accounts.disable(ALICE))
        self.assertTrue(self.is_right(ALICE, "one"))
        for accounts in (self.accounts, self.new_accounts()):
            self.assertTrue(accounts.is_disabled(ALICE.bare))
            self.assertTrue(accounts.exists(ALICE.bare))
        self.successResultOf(self.accounts.enable(ALICE))
        for accounts in (self.accounts, self.new_accounts()):
            self.assertFalse(accounts.is_disabled(ALICE.bare))
        self.assertEqual(heard, ["disabled", "enabled"])
        for method in (self.accounts.disable, self.accounts.enable):
            self.failureResultOf(method(BOB), NoSuchAccount)

    def test_list(self) -> None:
        """The accounts of a host are listed by name, with the time of their making and whether they are disabled."""
        for jid in (BOB, ALICE, JID("carol", "example.org", None)):
            self.successResultOf(self.accounts.create(jid, "pw"))
            self.clock.advance(1)
        self.successResultOf(self.accounts.disable(BOB))
        found = self.successResultOf(self.accounts.list("localhost"))
        self.assertEqual(
            [(one.jid, one.username, one.created_at, one.disabled) for one in found],
            [(ALICE, "alice", 1001.0, False), (BOB, "bob", 1000.0, True)],
        )
        self.assertEqual(self.successResultOf(self.accounts.list("none")), [])

    def test_a_failing_disk_changes_nothing(self) -> None:
        """If a commit fails, memory and storage are as before, the error is told, and it can be tried again."""
        self.successResultOf(self.accounts.create(ALICE, "one"))
        self.storage.failing = StorageFull("full")
        self.failureResultOf(self.accounts.create(BOB, "one"), StorageFull)
        self.failureResultOf(self.accounts.remove(ALICE), StorageFull)
        self.failureResultOf(self.accounts.set_password(ALICE, "two"), StorageFull)
        self.failureResultOf(self.accounts.disable(ALICE), StorageFull)
        self.assertEqual([self.accounts.exists(jid.bare) for jid in (ALICE, BOB)], [True, False])
        self.assertFalse(self.accounts.is_disabled(ALICE.bare))
        self.assertTrue(self.is_right(ALICE, "one"))
        self.storage.failing = None
        self.successResultOf(self.accounts.create(BOB, "one"))
        self.successResultOf(self.accounts.remove(ALICE))

    def test_a_listener_that_fails(self) -> None:
        """Its failure is logged; the others hear, and what was asked for has happened."""
        heard: list[JID] = []

        def fail(jid: JID) -> None:
            raise ZeroDivisionError

        self.accounts.subscribe(AccountEvent.CREATED, fail)
        self.accounts.subscribe(AccountEvent.CREATED, heard.append)
        self.successResultOf(self.accounts.create(ALICE, "one"))
        self.assertEqual(heard, [ALICE])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_before_loading(self) -> None:
        """An answer that is not known yet is never a no; what waits loads by itself."""
        self.successResultOf(self.accounts.create(ALICE, "one"))
        accounts = Accounts(self.storage, self.threads, self.clock.seconds, derive=derive)
        with self.assertRaises(RuntimeError):
            accounts.exists(ALICE.bare)
        self.failureResultOf(accounts.create(ALICE, "two"), AccountExists)
        self.assertTrue(accounts.exists(ALICE.bare))
        self.assertEqual(self.successResultOf(self.storage.keys(ACCOUNTS, "localhost")), ["alice"])
