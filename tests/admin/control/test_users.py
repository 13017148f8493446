"""Control commands about accounts."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.admin.control.users import IN_PARALLEL, PROGRESS_EVERY, told
from xmppd.services.accounts.accounts import AccountTombstoned
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFull
from xmppd.testing.server import now
from xmppd.testing.sessions import FakeConnection, bound_session

LOCALHOST = '[hosts."localhost"]\n'


class UserTests(SynchronousTestCase):
    """One account."""

    def setUp(self) -> None:
        """A server with an account."""
        self.bench = ControlBench()
        self.accounts = self.bench.server.accounts
        self.do = self.bench.do
        self.refusal = self.bench.refusal
        self.do("user.add", jid="ann@localhost", password="secret")

    def is_right(self, jid: str, password: str) -> bool:
        """Say whether this is the account's password."""
        right: bool = self.successResultOf(self.accounts.check(JID.parse(jid), password))
        return right

    def test_add(self) -> None:
        """The account is there, under its prepared name, with its password."""
        self.assertEqual(self.do("user.add", jid="BOB@localhost", password="x y"), {"jid": "bob@localhost"})
        self.assertTrue(self.is_right("bob@localhost", "x y"))

    def test_add_who_looks_like_another(self) -> None:
        """The account is there; whose name a reader takes for it is told."""
        self.do("user.add", jid="ann@example.org", password="x")
        made = self.do("user.add", jid="änn@localhost", password="x")
        self.assertEqual(made, {"jid": "änn@localhost", "alike": ["ann@localhost"]})

    def test_add_twice(self) -> None:
        """An account that exists is left alone; the remedy is a command to type."""
        id, message = self.refusal("user.add", jid="ann@localhost", password="other")
        self.assertEqual(id, "account-exists")
        self.assertEqual(
            message, "ann@localhost exists already; to change the password: xmppctl user passwd ann@localhost"
        )
        self.assertTrue(self.is_right("ann@localhost", "secret"))

    def test_names_that_cannot_be(self) -> None:
        """One line each: what is wrong, and what to do."""
        for jid, id, why in (
            ("ann", "invalid-name", "'ann' lacks its host, the hosts are localhost, example.org"),
            ("localhost", "invalid-name", "localhost is a host, not an account; write it as name@localhost"),
            ("a@localhost/x", "invalid-name", "a@localhost/x names a resource; the account is a@localhost"),
            ("a b@localhost", "invalid-name", "'a b@localhost' is no address: it has ' ' (space)"),
            (
                "a@b@localhost",
                "invalid-name",
                "is no address: localpart with '@', which RFC 7622 3.3.1 forbids",
            ),
            ("a/b", "invalid-name", "'a/b' is no account; write it as name@host"),
            ("@localhost", "invalid-name", "is no address"),
            ("", "invalid-name", "'' lacks its host"),
            ("a\x00@localhost", "invalid-name", "(a control character)"),
            ("ß@localhost", "invalid-name", "ß@localhost cannot be an account: older programs take"),
            (
                "a@nowhere.example",
                "unknown-host",
                "nowhere.example is not served here, the hosts are localhost, example.org",
            ),
        ):
            got, message = self.refusal("user.add", jid=jid, password="x")
            self.assertEqual(got, id, message)
            self.assertIn(why, message)
            self.assertNotIn("\n", message)

    def test_password_that_cannot_be(self) -> None:
        """A password that no client could type is refused; it is not repeated."""
        id, message = self.refusal("user.add", jid="bob@localhost", password="typo\x07")
        self.assertEqual(id, "invalid-password")
        self.assertNotIn("typo", message)

    def test_lone_name(self) -> None:
        """Where one host is served, a name is enough, even with a dot."""
        bench = ControlBench(LOCALHOST)
        for name in ("ann", "ann.smith", "ann_smith"):
            self.assertEqual(bench.do("user.add", jid=name, password="x"), {"jid": f"{name}@localhost"})
        self.assertEqual(bench.refusal("user.add", jid="localhost", password="x")[0], "invalid-name")

    def test_passwd(self) -> None:
        """The new password holds; the sessions of the old one end."""
        session = bound_session(self.bench.server.registry, "ann@localhost/x")
        result = self.do("user.passwd", jid="ann@localhost", password="new")
        self.assertEqual(result, {"jid": "ann@localhost", "ended": ["ann@localhost/x"]})
        self.assertTrue(session.is_ended)
        self.assertTrue(self.is_right("ann@localhost", "new"))

    def test_disable_and_enable(self) -> None:
        """A disabled account's sessions end, and nobody comes in until it is enabled."""
        session = bound_session(self.bench.server.registry, "ann@localhost/x")
        conn = session.conn
        assert isinstance(conn, FakeConnection)
        result = self.do("user.disable", jid="ann@localhost")
        self.assertEqual(result, {"jid": "ann@localhost", "ended": ["ann@localhost/x"]})
        self.assertIn(b"The account has been disabled", conn.data)
        self.assertTrue(self.accounts.is_disabled("ann@localhost"))
        self.assertEqual(self.do("user.enable", jid="ann@localhost"), {"jid": "ann@localhost"})
        self.assertFalse(self.accounts.is_disabled("ann@localhost"))

    def test_del(self) -> None:
        """The account is gone and its sessions end."""
        session = bound_session(self.bench.server.registry, "ann@localhost/x")
        result = self.do("user.del", jid="ann@localhost")
        self.assertEqual(result, {"jid": "ann@localhost", "ended": ["ann@localhost/x"]})
        self.assertTrue(session.is_ended)
        self.assertEqual(self.do("user.list"), [])

    def test_no_such_account(self) -> None:
        """Every command but add needs one that is there, and says how to see them."""
        for command in ("passwd", "del", "disable", "enable"):
            args = {"password": "x"} if command == "passwd" else {}
            id, message = self.refusal(f"user.{command}", jid="bob@localhost", **args)
            self.assertEqual(id, "no-such-account")
            self.assertIn("xmppctl user list localhost", message)

    def test_list(self) -> None:
        """All hosts, or one; sorted; with what is known of each."""
        self.do("user.add", jid="zoe@localhost", password="x")
        self.do("user.add", jid="bob@example.org", password="x")
        self.do("user.disable", jid="zoe@localhost")
        rows = self.do("user.list")
        self.assertEqual([row["jid"] for row in rows], ["bob@example.org", "ann@localhost", "zoe@localhost"])
        self.assertEqual([row["disabled"] for row in rows], [False, False, True])
        self.assertEqual(rows[0]["created"], "2026-05-28T20:26:40+00:00")
        self.assertEqual(
            [row["jid"] for row in self.do("user.list", host="example.org")], ["bob@example.org"]
        )
        self.assertEqual(self.refusal("user.list", host="x")[0], "unknown-host")

    def test_name_that_was_anothers(self) -> None:
        """When the name is free again, and how to take it now."""
        error = told(AccountTombstoned(1_780_000_000.0), JID.parse("ann@localhost"))
        self.assertEqual(error.id, "account-tombstoned")
        self.assertIn("2026-05-28T20:26:40+00:00, or now with --reuse", error.message)

    def test_disk_full(self) -> None:
        """Nothing has changed, and the remedy is told."""
        self.bench.memory.storage.failing = StorageFull("the disk is full")
        id, message = self.refusal("user.add", jid="bob@localhost", password="x")
        self.assertEqual((id, message), ("storage-full", "the disk is full; make room and try again"))
        self.bench.memory.storage.failing = None
        self.assertFalse(self.accounts.exists("bob@localhost"))


class ImportTests(SynchronousTestCase):
    """`user.import`."""

    def setUp(self) -> None:
        """A server without accounts."""
        self.bench = ControlBench()

    def test_import(self) -> None:
        """Names alone are on the first host; those that fail do not hinder the others."""
        users = [
            ["ann", "x"],
            ["bob@example.org", "x"],
            ["a b", "x"],
            ["ann", "y"],
            ["c@d.example", "x"],
            "odd",
        ]
        result = self.bench.do("user.import", users=users)
        self.assertEqual(result["added"], 2)
        failed = [(each["index"], each["id"]) for each in result["failed"]]
        expected = [(2, "invalid-name"), (3, "account-exists"), (4, "unknown-host"), (5, "bad-arguments")]
        self.assertEqual(failed, expected)
        self.assertEqual(
            [row["jid"] for row in self.bench.do("user.list")], ["bob@example.org", "ann@localhost"]
        )

    def test_keys_of_one_hash(self) -> None:
        """*hash* is quicker: keys for it alone are kept, and the host offers it alone until there are others."""
        self.bench.do("user.import", users=[["ann", "x"]], hash="SHA-256")
        accounts = self.bench.memory.server.accounts
        self.assertEqual(accounts.hashes("localhost"), ("SHA-256",))
        self.assertEqual(set(now(accounts.credentials(JID("ann", "localhost", None)))), {"SHA-256"})
        self.assertEqual(self.bench.refusal("user.import", users=[], hash="MD5")[0], "bad-arguments")

    def test_host_of_lone_names(self) -> None:
        """*host* says where names without one are."""
        self.bench.do("user.import", users=[["ann", "x"]], host="example.org")
        self.assertEqual([row["jid"] for row in self.bench.do("user.list")], ["ann@example.org"])
        self.assertEqual(self.bench.refusal("user.import", users=[], host="x")[0], "unknown-host")

    def test_several_at_a_time(self) -> None:
        """Keys of several accounts are derived at once, never of more; progress is told in between."""
        waiting: list[Deferred[Any]] = []
        finished: list[Any] = []

        def create(*args: Any, **kwargs: Any) -> Deferred[Any]:
            waiting.append(Deferred())
            return waiting[-1]

        self.patch(self.bench.server.accounts, "create", create)
        count = PROGRESS_EVERY * 2
        running = self.bench.commands.run(
            "user.import",
            {"users": [[f"u{number}", "x"] for number in range(count)]},
            self.bench.progress.append,
        )
        running.addCallback(finished.append)
        self.assertEqual(len(waiting), IN_PARALLEL)
        while waiting:
            self.assertLessEqual(len(waiting), IN_PARALLEL)
            waiting.pop(0).callback(None)
        self.assertEqual(finished, [{"added": count, "failed": []}])
        self.assertEqual(self.bench.progress, [PROGRESS_EVERY, count])

    def test_disk_full_ends_the_import(self) -> None:
        """Where nothing can be stored any more, the import ends with one line."""
        self.bench.memory.storage.failing = StorageFull("the disk is full")
        users = [[f"u{number}", "x"] for number in range(20)]
        self.assertEqual(self.bench.refusal("user.import", users=users)[0], "storage-full")
