"""Control commands about sessions."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.admin.control.wire import ControlError
from xmppd.services.login.client_records import client_id, hashed
from xmppd.testing.sasl2 import BIND, PHONE, SASL2Login, condition_of, request, token_of
from xmppd.testing.server import START
from xmppd.testing.sessions import FakeConnection, bound_session


class SessionTests(SynchronousTestCase):
    """`session.list` and `session.kick`."""

    def setUp(self) -> None:
        """Three sessions of two accounts on two hosts."""
        self.bench = ControlBench()
        self.registry = self.bench.server.registry
        self.phone = bound_session(self.registry, "bob@localhost/phone", priority=-3)
        self.desk = bound_session(self.registry, "bob@localhost/desk")
        self.other = bound_session(self.registry, "ann@example.org/x")
        for session in (self.phone, self.desk, self.other):
            session.opened_at = START

    def jids(self, **args: str) -> list[str]:
        """Give the JIDs that are listed."""
        return [row["jid"] for row in self.bench.do("session.list", **args)]

    def test_row(self) -> None:
        """Everything an administrator asks about a session."""
        self.phone.peer = "192.0.2.1"
        self.phone.is_secure = self.phone.interested = True
        (row,) = self.bench.do("session.list", jid="bob@localhost/phone")
        self.assertEqual(
            row,
            {
                "jid": "bob@localhost/phone",
                "address": "192.0.2.1",
                "tls": True,
                "priority": -3,
                "since": "2026-05-28T20:26:40+00:00",
                "available": True,
                "interested": True,
                "attached": True,
                "client": hashed("bob@localhost/phone"),
                "software": "",
                "device": "",
                "tag": "",
                "by_token": False,
            },
        )

    def test_not_available(self) -> None:
        """Without presence there is no priority; without a connection the session waits for its client."""
        self.desk.conn = None
        (row,) = self.bench.do("session.list", jid="bob@localhost/desk")
        shown = (row["priority"], row["available"], row["interested"], row["attached"])
        self.assertEqual(shown, (None, False, False, False))

    def test_whose(self) -> None:
        """All, those of a host, of an account, of one resource; sorted by JID."""
        self.assertEqual(self.jids(), ["ann@example.org/x", "bob@localhost/desk", "bob@localhost/phone"])
        self.assertEqual(self.jids(jid="localhost"), ["bob@localhost/desk", "bob@localhost/phone"])
        self.assertEqual(self.jids(jid="BOB@localhost"), ["bob@localhost/desk", "bob@localhost/phone"])
        self.assertEqual(self.jids(jid="bob@localhost/desk"), ["bob@localhost/desk"])
        self.assertEqual(self.jids(jid="bob@localhost/none"), [])

    def test_kick_one(self) -> None:
        """The stream ends with an error that keeps clients from coming back at once, and a text for the user."""
        conn = self.phone.conn
        result = self.bench.do("session.kick", jid="bob@localhost/phone", reason="Bye")
        self.assertEqual(result, {"jids": ["bob@localhost/phone"]})
        assert isinstance(conn, FakeConnection)
        data = conn.data
        self.assertIn(b"<policy-violation", data)
        self.assertIn(b"Bye</text>", data)
        self.assertEqual(self.jids(jid="bob@localhost"), ["bob@localhost/desk"])

    def test_kick_all_of_an_account(self) -> None:
        """A bare JID ends every session of the account."""
        result = self.bench.do("session.kick", jid="bob@localhost")
        self.assertEqual(result["jids"], ["bob@localhost/phone", "bob@localhost/desk"])
        self.assertEqual(self.jids(), ["ann@example.org/x"])

    def test_kick_nobody(self) -> None:
        """Who is not connected cannot be kicked; a whole host is not kicked by mistake."""
        id, message = self.bench.refusal("session.kick", jid="bob@localhost/none")
        self.assertEqual(id, "no-such-session")
        self.assertEqual(
            message, "bob@localhost/none is not connected; to see who is: xmppctl session list bob@localhost"
        )
        self.assertEqual(self.bench.refusal("session.kick", jid="localhost")[0], "bad-arguments")

    def test_lone_name(self) -> None:
        """Where one host is served, a name without a dot is an account on it; with one it may be a wrong host."""
        bench = ControlBench('[hosts."localhost"]\n')
        bound_session(bench.server.registry, "ann@localhost/x")
        self.assertEqual(len(bench.do("session.list", jid="ann")), 1)
        self.assertEqual(bench.refusal("session.list", jid="local.host")[0], "unknown-host")

    def test_host_that_is_not_served(self) -> None:
        """The hosts that are served are named, and the one that was meant."""
        id, message = self.bench.refusal("session.list", jid="bob@exmaple.org")
        self.assertEqual(id, "unknown-host")
        self.assertEqual(
            message,
            "exmaple.org is not served here, the hosts are localhost, example.org; did you mean example.org?",
        )


class ClientTests(SynchronousTestCase):
    """`session.clients` and `session.revoke`."""

    def setUp(self) -> None:
        """A client with a token, and one of the old kind."""
        self.bench = ControlBench()
        self.client = SASL2Login(self.bench.memory, "bob@localhost/x")
        self.token = token_of(self.client.by_password(BIND + request()))
        self.old = self.bench.memory.logged_in("bob@localhost/old")

    def test_listed(self) -> None:
        """What an administrator asks about a client; sessions name their clients."""
        first, _ = sorted(
            self.bench.do("session.clients", jid="bob@localhost"), key=lambda row: not row["tag"]
        )
        self.assertEqual(
            (first["client"], first["software"], first["tag"], first["knows_password"]),
            (client_id(PHONE), "Awesome", "Phone", True),
        )
        self.assertEqual((first["token_until"], first["address"]), ("2026-06-18T20:26:40+00:00", "127.0.0.1"))
        self.assertEqual(
            (first["jids"], first["tls"], first["last_seen"]),
            ([f"bob@localhost/{first['resource']}"], True, "2026-05-28T20:26:40+00:00"),
        )
        (row,) = self.bench.do("session.list", jid=first["jids"][0])
        shown = (row["client"], row["software"], row["tag"], row["by_token"])
        self.assertEqual(shown, (client_id(PHONE), "Awesome", "Phone", False))

    def test_revoked(self) -> None:
        """One client, by its name or by its session, and no other."""
        result = self.bench.do("session.revoke", jid="bob@localhost", client=client_id(PHONE))
        self.assertEqual(
            (result["clients"], result["knowing_password"]), ([client_id(PHONE)], [client_id(PHONE)])
        )
        self.assertFalse(self.client.client.is_connected)
        again = SASL2Login(self.bench.memory, "bob@localhost/x")
        self.assertEqual(condition_of(again.by_token(self.token)), "not-authorized")
        result = self.bench.do("session.revoke", jid="bob@localhost/old")
        self.assertEqual(result["ended"], ["bob@localhost/old"])

    def test_all_revoked(self) -> None:
        """All clients of an account."""
        self.assertEqual(len(self.bench.do("session.revoke", jid="bob@localhost")["ended"]), 2)
        self.assertEqual(self.bench.do("session.clients", jid="bob@localhost"), [])

    def test_nobody(self) -> None:
        """Each mistake has its own answer."""
        for args, id in (
            ({"jid": "bob@localhost", "client": "none"}, "no-such-client"),
            ({"jid": "bob@localhost/none"}, "no-such-session"),
            ({"jid": "localhost"}, "bad-arguments"),
        ):
            error = self.assertRaises(ControlError, self.bench.do, "session.revoke", **args)
            self.assertEqual(error.id, id)

    def test_password(self) -> None:
        """A password that an administrator sets ends tokens."""
        self.bench.do("user.passwd", jid="bob@localhost", password="another password")
        again = SASL2Login(self.bench.memory, "bob@localhost/x")
        self.assertEqual(condition_of(again.by_token(self.token)), "not-authorized")
