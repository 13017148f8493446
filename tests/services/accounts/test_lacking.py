"""Accounts that came with the keys of one hash alone: what is offered, and how they get the others."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.services.accounts.test_accounts import ALICE, BOB, Threads, derive
from xmppd.services.accounts import stored
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.accounts.lacking import Lacking
from xmppd.stanza.jid import JID
from xmppd.storage.memory import MemoryStorage
from xmppd.stream.sasl import credentials as scram
from xmppd.stream.sasl.credentials import HASHES, Credentials, Salted
from xmppd.testing.server import MemoryServer, now

PASSWORD = "open sesame"
OLD = scram.derive(PASSWORD, iterations=1, hash_names=("SHA-1",))


class LackingTests(SynchronousTestCase):
    """The book of it."""

    def test_what_all_have(self) -> None:
        """A host offers what all of its accounts can use; other hosts do not matter."""
        lacking = Lacking()
        self.assertEqual(lacking.hashes("a.example"), HASHES)
        lacking.put("old@a.example", ("SHA-512", "SHA-256"))
        self.assertEqual(lacking.hashes("a.example"), ("SHA-1",))
        self.assertEqual(lacking.hashes("b.example"), HASHES)
        lacking.put("old@a.example", ("SHA-512",))
        self.assertEqual(lacking.hashes("a.example"), ("SHA-256", "SHA-1"))
        lacking.put("old@a.example", ())
        self.assertEqual(lacking.hashes("a.example"), HASHES)
        self.assertNotIn("old@a.example", lacking)

    def test_nothing_in_common(self) -> None:
        """Where no hash is for all, the one that the fewest lack is offered."""
        lacking = Lacking()
        for number in range(3):
            lacking.put(f"old{number}@a.example", ("SHA-512", "SHA-256"))
        lacking.put("new@a.example", ("SHA-1",))
        self.assertEqual(lacking.hashes("a.example"), ("SHA-1",))


class AccountsTests(SynchronousTestCase):
    """The accounts service with one that lacks two hashes."""

    def setUp(self) -> None:
        """It is stored as an import stores it."""
        self.storage = MemoryStorage()
        now(self.storage.commit(*stored.creation(ALICE, OLD, 0.0)))
        self.threads = Threads()
        self.accounts = Accounts(self.storage, self.threads, derive=derive)
        self.successResultOf(self.accounts.load())

    def assert_complete(self) -> None:
        """All hashes are there, now and after another start."""
        self.assertEqual(self.accounts.hashes("localhost"), HASHES)
        again = Accounts(self.storage, self.threads)
        self.successResultOf(again.load())
        self.assertEqual(again.hashes("localhost"), HASHES)
        self.assertEqual(set(self.keys(again)), set(HASHES))

    def keys(self, accounts: Accounts) -> Credentials:
        """Give what the account has."""
        found = now(accounts.credentials(ALICE))
        assert isinstance(found, Credentials)
        return found

    def test_known_after_a_start(self) -> None:
        """Which hashes can be offered is read with the names."""
        self.assertEqual(self.accounts.hashes("localhost"), ("SHA-1",))
        self.successResultOf(self.accounts.create(BOB, "secret"))
        self.assertEqual(self.accounts.hashes("localhost"), ("SHA-1",))

    def test_another_password(self) -> None:
        """It has keys for all hashes."""
        self.successResultOf(self.accounts.set_password(ALICE, "another"))
        self.assert_complete()

    def test_a_login_with_the_password(self) -> None:
        """PLAIN shows the password: the keys that lack are derived; those that there are stay."""
        self.assertTrue(self.successResultOf(self.accounts.check(ALICE, PASSWORD)))
        self.assert_complete()
        self.assertEqual(self.keys(self.accounts)["SHA-1"], OLD["SHA-1"])

    def test_a_wrong_password(self) -> None:
        """It changes nothing."""
        self.assertFalse(self.successResultOf(self.accounts.check(ALICE, "wrong")))
        self.assertEqual(self.accounts.hashes("localhost"), ("SHA-1",))

    def test_upgrade_by_steps(self) -> None:
        """XEP-0480: each task brings one hash."""
        for hash_name, offered in (("SHA-256", ("SHA-256", "SHA-1")), ("SHA-512", HASHES)):
            salted = Salted(hash_name, b"salt", 1, bytes(scram.key_bytes(hash_name)))
            self.successResultOf(self.accounts.add_keys(ALICE, salted, OLD))
            self.assertEqual(self.accounts.hashes("localhost"), offered)
        self.assert_complete()

    def test_removal(self) -> None:
        """Who has gone lacks nothing, and the next of that name neither."""
        self.successResultOf(self.accounts.remove(ALICE))
        self.assertEqual(self.accounts.hashes("localhost"), HASHES)
        self.assertEqual(self.successResultOf(self.storage.keys(stored.LACKING, "localhost")), [])

    def test_purge(self) -> None:
        """A host that is purged takes that with it."""
        self.successResultOf(self.accounts.purge("localhost"))
        self.assertEqual(self.accounts.hashes("localhost"), HASHES)
        self.assertEqual(self.successResultOf(self.storage.keys(stored.LACKING, "localhost")), [])


class OfferTests(SynchronousTestCase):
    """What a client is offered."""

    def test_mechanisms(self) -> None:
        """RFC 6120 6.3.3: no SCRAM that an account of the host cannot use, on that host alone."""
        before = MemoryServer('[hosts."localhost"]\n[hosts."b.example"]')
        now(before.storage.commit(*stored.creation(JID("old", "localhost", None), OLD, 0.0)))
        server = MemoryServer('[hosts."localhost"]\n[hosts."b.example"]', storage=before.storage.killed())
        self.assertEqual(self.offered(server, "localhost"), {"SHA-1"})
        self.assertEqual(self.offered(server, "b.example"), set(HASHES))
        now(server.server.accounts.set_password(JID("old", "localhost", None), "another"))
        self.assertEqual(self.offered(server, "localhost"), set(HASHES))

    def offered(self, server: MemoryServer, host: str) -> set[str]:
        """Give the hashes of SCRAM that the next client of *host* is offered; PLAIN is there, too."""
        client = server.client(f"x@{host}/r")
        features = now(Deferred.fromCoroutine(client.secure()))
        names = {each.text or "" for each in features.iter() if each.tag.endswith("}mechanism")}
        self.assertIn("PLAIN", names)
        return {name.removeprefix("SCRAM-").removesuffix("-PLUS") for name in names if "SCRAM" in name}
