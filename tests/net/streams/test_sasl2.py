"""SASL2 on a stream: XEP-0388, with the downgrade protection of XEP-0474. The dialogues hold the rest."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.stream.sasl.client import ScramClient
from xmppd.core.session import Session
from xmppd.core.stations import NOTING
from xmppd.net.streams.sasl2 import HELD_BYTES
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.login.login import BINDING_INLINE, LOGIN_BEGINNING, LOGIN_SUCCEEDED, LOGIN_TASKS, Login
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import StorageFailed
from xmppd.testing.sasl2 import (
    BIND,
    BINDINGS,
    SASL2,
    BoundTLS,
    SASL2Login,
    condition_of,
    data_of,
    identity_of,
)
from xmppd.testing.server import MemoryServer, now

ROMEO = JID.parse("romeo@localhost")

PASSWORD = "open sesame"


def scram(
    client: SASL2Login, mechanism: str, inner: str = "", **options: Any
) -> tuple[ScramClient, list[Any]]:
    """Log in by SCRAM."""
    side = ScramClient(mechanism, "romeo", PASSWORD, **options)
    challenge = client.authenticate(mechanism, side.first(), inner)[0]
    assert challenge.tag == f"{SASL2}challenge", challenge.tag
    return side, client.respond(side.final(data_of(challenge)))


class LoginTests(SynchronousTestCase):
    """A login, step by step."""

    def test_scram(self) -> None:
        """The server's signature is the additional data of the success (2.6.1)."""
        side, came = scram(SASL2Login(MemoryServer()), "SCRAM-SHA-256")
        self.assertEqual(identity_of(came), "romeo@localhost")
        self.assertTrue(side.verify(data_of(came[0])))

    def test_downgrade_protection(self) -> None:
        """XEP-0474 3.1: the hash is of the mechanisms and channel bindings just as they were announced, FAST's not."""
        server = MemoryServer()
        server.factory.tls = BoundTLS()
        client = SASL2Login(server)
        names = [
            element.text or ""
            for element in client.features.findall(f"{SASL2}authentication/{SASL2}mechanism")
        ]
        self.assertIn("SCRAM-SHA-512-PLUS", names)
        types = [
            element.get("type", "") for element in client.features.iter("{urn:xmpp:sasl-cb:0}channel-binding")
        ]
        text = "\x1e".join(sorted(names)) + "\x1f" + "\x1e".join(sorted(types))
        side, came = scram(
            client, "SCRAM-SHA-512-PLUS", cb_type="tls-exporter", cb_data=BINDINGS["tls-exporter"]
        )
        self.assertEqual(side.server_hash, b64encode(hashlib.sha512(text.encode()).digest()).decode())
        self.assertTrue(side.verify(data_of(came[0])))

    def test_downgrade_protection_without_bindings(self) -> None:
        """XEP-0474 3.1: where no channel binding is announced none is hashed."""
        side, _ = scram(SASL2Login(MemoryServer()), "SCRAM-SHA-1")
        text = "\x1e".join(("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"))
        self.assertEqual(side.server_hash, b64encode(hashlib.sha1(text.encode()).digest()).decode())

    def test_what_follows_in_the_same_bytes(self) -> None:
        """Stanzas behind a login in the same bytes are those of the session (2.6.1): nothing restarts."""
        client = SASL2Login(MemoryServer())
        initial = b64encode(f"\0romeo\0{PASSWORD}".encode()).decode()
        came = client.send(
            f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>{initial}</initial-response>"
            f"{BIND}</authenticate><iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"
        )
        self.assertEqual([element.tag.partition("}")[2] for element in came], ["success", "features", "iq"])

    def test_large_stanzas_after_it(self) -> None:
        """The limits before authentication hold no more once a client is in, though the stream is the same."""
        client = SASL2Login(MemoryServer())
        client.by_password(BIND)
        came = client.send(
            f"<message to='romeo@localhost/none' type='normal'><body>{'a' * 50_000}</body></message>"
        )
        self.assertEqual([element.tag for element in came], ["{jabber:client}message"])

    def test_storage_that_fails(self) -> None:
        """Where the storage fails the login fails for now, and may be tried again."""
        server = MemoryServer()
        client = SASL2Login(server)

        def fail(login: object) -> None:
            raise StorageFailed("no disk")

        hooks = server.server.hosts["localhost"].hooks
        hooks.add(LOGIN_BEGINNING, fail, NOTING)
        self.assertEqual(condition_of(client.by_password()), "temporary-auth-failure")
        hooks.remove(LOGIN_BEGINNING, fail)
        self.assertEqual(identity_of(client.by_password()), "romeo@localhost")

    def test_account_that_is_disabled(self) -> None:
        """RFC 6120 6.5.1 holds for both profiles."""
        server = MemoryServer()
        client = SASL2Login(server)
        now(server.server.accounts.disable(ROMEO))
        self.assertEqual(condition_of(client.by_password()), "account-disabled")

    def test_account_that_changes_during_its_tasks(self) -> None:
        """2.6: tasks take time; who would not get in any more when they are done does not, and gets no token."""
        changes: dict[str, tuple[Callable[[Accounts], Deferred[None]], str]] = {
            "another password": (lambda accounts: accounts.set_password(ROMEO, "another"), "not-authorized"),
            "disabled": (lambda accounts: accounts.disable(ROMEO), "account-disabled"),
            "removed": (lambda accounts: accounts.remove(ROMEO), "not-authorized"),
        }
        for change, condition in changes.values():
            server = MemoryServer()
            client = SASL2Login(server)
            waiting: Deferred[None] = Deferred()
            server.server.hosts["localhost"].hooks.add(LOGIN_TASKS, partial(_wait_for, waiting))
            self.assertEqual(client.by_password(BIND), [])
            now(change(server.server.accounts))
            waiting.callback(None)
            self.assertEqual(condition_of(client.inbox()), condition)
            self.assertEqual(len(server.server.registry), 0)

    def test_a_connection_that_is_lost_meanwhile(self) -> None:
        """A login whose connection is gone binds nothing and writes nothing."""
        server = MemoryServer()
        client = SASL2Login(server)
        waiting: Deferred[None] = Deferred()
        server.server.hosts["localhost"].hooks.add(LOGIN_TASKS, lambda login: waiting)
        client.by_password(BIND)
        assert client.client.carrier is not None
        client.client.carrier.lose()
        waiting.callback(None)
        self.assertEqual(len(server.server.registry), 0)

    def test_the_same_client_twice_at_once(self) -> None:
        """XEP-0386 3.2: of two logins of one client that wait for the roster together, the later one stays."""
        server = MemoryServer()
        clients = [SASL2Login(server), SASL2Login(server)]
        waiting: list[Deferred[Any]] = []
        load = server.server.rosters.load

        def slow(bare_jid: str) -> Deferred[Any]:
            waiting.append(Deferred())
            return waiting[-1].addCallback(lambda _: load(bare_jid))

        self.patch(server.server.rosters, "load", slow)
        for client, tag in zip(clients, "AB", strict=True):
            client.by_password(f"<bind xmlns='urn:xmpp:bind:0'><tag>{tag}</tag></bind>")
        for each in [*waiting]:
            each.callback(None)
        self.assertEqual([client.client.is_connected for client in clients], [False, True])
        (session,) = server.server.registry
        self.assertTrue((session.resource or "").startswith("B/"))


def _wait_for(waiting: Deferred[None], login: Login) -> Deferred[None]:
    return waiting


class HeldTests(SynchronousTestCase):
    """2.4: nothing is written between the binding and the success."""

    def setUp(self) -> None:
        """A login that waits within its binding."""
        self.server = MemoryServer()
        self.client = SASL2Login(self.server)
        self.waiting: Deferred[None] = Deferred()
        self.server.server.hosts["localhost"].hooks.add(BINDING_INLINE, lambda inline: self.waiting)
        self.assertEqual(self.client.by_password(BIND), [])
        (self.session,) = self.server.server.registry
        self.assertIsInstance(self.session, Session)

    def test_what_comes_meanwhile(self) -> None:
        """It comes behind the features, in order."""
        for id in ("1", "2"):
            self.session.send(Stanza.make("message", to=self.session.full_jid, id=id))
        self.assertEqual(self.client.inbox(), [])
        self.waiting.callback(None)
        came = [element.get("id") or element.tag.partition("}")[2] for element in self.client.inbox()]
        self.assertEqual(came, ["success", "features", "1", "2"])
        self.session.send(Stanza.make("message", id="3"))
        self.assertEqual([element.get("id") for element in self.client.inbox()], ["3"])

    def test_a_flood(self) -> None:
        """What waits is bounded."""
        for _ in range(1_001):
            self.session.send(Stanza.make("message", to=self.session.full_jid))
        self.assertTrue(self.session.is_ended)
        self.waiting.callback(None)
        self.assertNotIn(f"{SASL2}success", [element.tag for element in self.client.inbox()])

    def test_a_flood_of_large_ones(self) -> None:
        """Fewer of them are held, by their size."""
        large = Stanza.make("message", b"<body>" + b"x" * 250_000 + b"</body>", to=self.session.full_jid)
        for _ in range(HELD_BYTES // 250_000):
            self.session.send(large)
        self.assertFalse(self.session.is_ended)
        self.session.send(large)
        self.assertTrue(self.session.is_ended)

    def test_stanzas_of_the_client(self) -> None:
        """They wait for the end of the login, and are dealt with then."""
        self.client.send("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.waiting.callback(None)
        self.assertEqual([element.get("id") for element in self.client.inbox()][-1], "1")


class InlineTests(SynchronousTestCase):
    """A handler that fails."""

    def test_a_bug_in_a_module(self) -> None:
        """A module that fails disturbs neither the login nor the other modules."""
        server = MemoryServer()

        def fail(login: object) -> None:
            raise ValueError("a bug")

        server.server.hosts["localhost"].hooks.add(LOGIN_SUCCEEDED, fail, NOTING)
        self.assertTrue(
            identity_of(SASL2Login(server).by_password(BIND)).startswith("romeo@localhost/Phone/")
        )
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
