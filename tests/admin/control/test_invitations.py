"""Control commands about invitations."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.services.invitations.invitation import Kind
from xmppd.services.invitations.invitations import Invitations
from xmppd.testing.server import now


class InviteTests(SynchronousTestCase):
    """``invite.*``."""

    def setUp(self) -> None:
        """Two hosts, and Ann."""
        self.bench = ControlBench()
        self.do, self.refusal = self.bench.do, self.bench.refusal
        self.do("user.add", jid="ann@localhost", password="secret")

    def test_account(self) -> None:
        """With all that can be said; what is told is what the token opens."""
        told = self.do(
            "invite.account",
            jid="Ben@localhost",
            inviter="ann@localhost",
            contacts="cat@localhost, dan@x.example",
            groups="Friends,,",
            days=2,
        )
        self.assertEqual((told["kind"], told["url"]), ("account", ""))
        self.assertEqual(told["expires"], "2026-05-30T20:26:40+00:00")
        uri, _, token = told["uri"].partition(";preauth=")
        self.assertEqual(uri, "xmpp:ben@localhost?register")
        found = now(self.bench.server.services[Invitations].find("localhost", token))
        self.assertEqual((found.kind, found.groups), (Kind.ACCOUNT, ("Friends",)))
        self.assertEqual(found.introduced, ("ann@localhost", "cat@localhost", "dan@x.example"))

    def test_contact_and_reset(self) -> None:
        """For an account that is there; a password has a page alone."""
        told = self.do("invite.contact", jid="ann@localhost", register=True, uses=3)
        self.assertRegex(told["uri"], r"^xmpp:ann@localhost\?roster;preauth=\w+;ibr=y$")
        self.assertEqual(self.do("invite.reset", jid="ann@localhost")["uri"], "")

    def test_list_and_revoke(self) -> None:
        """The oldest first, of all hosts or one; one is taken back by the id that is shown."""
        first = self.do("invite.account", jid="localhost", uses=5)
        self.bench.memory.pass_time(1)
        self.do("invite.reset", jid="ann@localhost")
        self.do("invite.account", jid="example.org")
        rows = self.do("invite.list")
        self.assertEqual([row["host"] for row in rows], ["example.org", "localhost", "localhost"])
        self.assertEqual([row["kind"] for row in rows], ["account", "account", "reset"])
        self.assertEqual((rows[1]["id"], rows[1]["uses"]), (first["id"], 5))
        self.assertEqual(self.do("invite.revoke", id=first["id"])["kind"], "account")
        self.assertEqual(len(self.do("invite.list", host="localhost")), 1)
        self.assertEqual(self.refusal("invite.revoke", id=first["id"])[0], "no-such-invitation")
        self.assertEqual(self.refusal("invite.revoke", id="")[0], "no-such-invitation")

    def test_accounts_of_elsewhere(self) -> None:
        """Where this server makes no accounts it invites nobody to make one."""
        bench = ControlBench('[hosts."guests.example"]\nauth = "anonymous"\n')
        self.assertEqual(bench.refusal("invite.account", jid="guests.example")[0], "not-internal")

    def test_what_cannot_be(self) -> None:
        """Each is refused with what to do."""
        self.do("invite.account", jid="ben@localhost")
        for command, args, id in (
            ("invite.account", {}, "invalid-name"),
            ("invite.account", {"jid": "ann@localhost"}, "account-exists"),
            ("invite.account", {"jid": "ben@localhost"}, "account-reserved"),
            ("invite.account", {"jid": "cat@localhost", "uses": 2}, "bad-usage"),
            ("invite.account", {"jid": "localhost", "uses": 0}, "bad-usage"),
            ("invite.account", {"jid": "localhost", "days": 0}, "bad-usage"),
            ("invite.account", {"jid": "a@localhost/x"}, "invalid-name"),
            ("invite.account", {"jid": "example.org", "inviter": "ann@localhost"}, "wrong-host"),
            ("invite.account", {"jid": "localhost", "inviter": "no@localhost"}, "no-such-account"),
            ("invite.account", {"jid": "localhost", "contacts": "localhost"}, "invalid-name"),
            ("invite.account", {"jid": "localhost", "contacts": "a b@c"}, "invalid-name"),
            ("invite.contact", {"jid": "no@localhost"}, "no-such-account"),
            ("invite.reset", {"jid": "no@localhost"}, "no-such-account"),
            ("user.add", {"jid": "ben@localhost", "password": "x"}, "account-reserved"),
        ):
            self.assertEqual(self.refusal(command, **args)[0], id, (command, args))
