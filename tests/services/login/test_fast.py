"""FAST: XEP-0484, through the whole server. The dialogues hold what needs no channel binding and no look inside."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.login.client_records import client_id
from xmppd.services.login.clients import STORE, Clients
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Put, StorageFailed
from xmppd.testing.sasl2 import (
    BIND,
    BINDINGS,
    LAPTOP,
    PHONE,
    BoundTLS,
    SASL2Login,
    condition_of,
    data_of,
    identity_of,
    request,
    token_of,
)
from xmppd.testing.server import MemoryServer, now

ROMEO = JID.parse("romeo@localhost")
BOUND = "HT-SHA-256-EXPR"


def with_token(server: MemoryServer, mechanism: str = "HT-SHA-256-NONE", agent: str = PHONE) -> str:
    """Give a new token of romeo's."""
    token = token_of(SASL2Login(server).by_password(request(mechanism), agent))
    assert token
    return token


class Counted:
    """How often a client has sent something since."""

    def __init__(self, client: SASL2Login):
        carrier = client.client.carrier
        assert carrier is not None
        self._write = carrier.write
        self.times = 0
        client.client.carrier = carrier
        carrier.write = self.write  # type: ignore[method-assign]  # this is what is counted

    def write(self, data: bytes) -> None:
        """Count, and send."""
        self.times += 1
        self._write(data)


class ChannelBindingTests(SynchronousTestCase):
    """Tokens of mechanisms with channel binding."""

    def setUp(self) -> None:
        """A server whose connections have something to bind to."""
        self.server = MemoryServer()
        self.server.factory.tls = BoundTLS()

    def test_login(self) -> None:
        """Each channel binding by its mechanism (XEP-0484 3.4)."""
        for mechanism, type in ((BOUND, "tls-exporter"), ("HT-SHA-512-ENDP", "tls-server-end-point")):
            token = with_token(self.server, mechanism)
            came = SASL2Login(self.server).by_token(token, mechanism=mechanism, binding=BINDINGS[type])
            self.assertEqual(identity_of(came), "romeo@localhost")
            self.assertTrue(data_of(came[0]))

    def test_another_connection(self) -> None:
        """What was captured on one connection proves nothing on another."""
        token = with_token(self.server, BOUND)
        came = SASL2Login(self.server).by_token(token, mechanism=BOUND, binding=b"\xff" * 32)
        self.assertEqual(condition_of(came), "not-authorized")

    def test_downgrade(self) -> None:
        """A token for a mechanism with channel binding fails with one without, even where that is offered."""
        token = with_token(self.server, BOUND)
        self.assertEqual(condition_of(SASL2Login(self.server).by_token(token)), "not-authorized")


class StoredTests(SynchronousTestCase):
    """What is kept."""

    def setUp(self) -> None:
        """A server with a token of romeo's phone."""
        self.server = MemoryServer()
        self.token = with_token(self.server)

    def stored(self) -> dict[str, bytes]:
        """Give romeo's clients as they are stored."""
        found: dict[str, bytes] = now(self.server.storage.get_all(STORE, ROMEO.bare))
        return found

    def test_stored_before_it_is_given(self) -> None:
        """A token that a client has is durable; the client's own id is not kept."""
        (data,) = self.stored().values()
        self.assertIn(self.token.encode(), data)
        self.assertNotIn(PHONE.encode(), data)

    def test_not_stored_not_given(self) -> None:
        """Where it cannot be stored the client gets none, and is let in."""
        client = SASL2Login(self.server)
        self.server.storage.failing = StorageFailed("no disk")
        came = client.by_password(request(), LAPTOP)
        self.assertEqual((identity_of(came), token_of(came)), ("romeo@localhost", ""))
        self.flushLoggedErrors(StorageFailed)
        self.server.storage.failing = None
        self.assertEqual(len(self.stored()), 1)

    def test_a_counter_that_cannot_be_stored(self) -> None:
        """Where a counter cannot be stored the login fails for now."""
        client = SASL2Login(self.server)
        self.server.storage.failing = StorageFailed("no disk")
        fast = "<fast xmlns='urn:xmpp:fast:0' count='1'/>"
        self.assertEqual(condition_of(client.by_token(self.token, fast=fast)), "temporary-auth-failure")
        self.flushLoggedErrors(StorageFailed)
        self.server.storage.failing = None
        self.assertEqual(identity_of(client.by_token(self.token, fast=fast)), "romeo@localhost")

    def test_what_is_stored_holds_after_a_restart(self) -> None:
        """A token is found again in the storage."""
        self.server.server.services[Clients].let_go(ROMEO)
        self.assertEqual(identity_of(SASL2Login(self.server).by_token(self.token)), "romeo@localhost")

    def test_one_login_after_another_writes_nothing(self) -> None:
        """A login by a token in use costs no commit."""
        SASL2Login(self.server).by_token(self.token)
        before = self.stored()
        self.server.storage.failing = StorageFailed("no disk")
        self.assertEqual(identity_of(SASL2Login(self.server).by_token(self.token)), "romeo@localhost")
        self.server.storage.failing = None
        self.assertEqual(self.stored(), before)

    def test_password_changed(self) -> None:
        """Tokens end with the password for which they were given."""
        now(self.server.server.accounts.set_password(ROMEO, "another"))
        self.assertEqual(condition_of(SASL2Login(self.server).by_token(self.token)), "not-authorized")
        self.assertNotIn(self.token.encode(), b"".join(self.stored().values()))

    def test_account_disabled_and_removed(self) -> None:
        """A token lets nobody in whose account is disabled or gone, nor into the next account of that name."""
        client = SASL2Login(self.server)
        now(self.server.server.accounts.disable(ROMEO))
        self.assertEqual(condition_of(client.by_token(self.token)), "account-disabled")
        now(self.server.server.accounts.remove(ROMEO))
        self.assertEqual(condition_of(client.by_token(self.token)), "not-authorized")
        now(self.server.server.accounts.create(ROMEO, "new", over_tombstone=True))
        self.assertEqual(condition_of(client.by_token(self.token)), "not-authorized")

    def test_another_client(self) -> None:
        """Each client has tokens of its own; one's invalidation leaves the other's."""
        other = with_token(self.server, agent=LAPTOP)
        invalid = "<fast xmlns='urn:xmpp:fast:0' invalidate='1'/>"
        SASL2Login(self.server).by_token(self.token, fast=invalid)
        self.assertEqual(condition_of(SASL2Login(self.server).by_token(self.token)), "not-authorized")
        self.assertEqual(
            identity_of(SASL2Login(self.server).by_token(other, agent=LAPTOP)), "romeo@localhost"
        )

    def test_unknown_user(self) -> None:
        """Somebody who is not there fails as somebody with another token does."""
        client = SASL2Login(self.server)
        client.client.username = "nobody"
        self.assertEqual(condition_of(client.by_token(self.token)), "not-authorized")

    def reads_of_a_guess(self, username: str) -> list[str]:
        """Try a wrong token; give the stores that were read for it."""
        client, reads, get_all = SASL2Login(self.server), list[str](), self.server.storage.get_all
        client.client.username = username

        def counted(store: str, owner: str) -> Deferred[dict[str, bytes]]:
            reads.append(store)
            return get_all(store, owner)

        patched = self.patch(self.server.storage, "get_all", counted)
        self.assertEqual(condition_of(client.by_token("guess")), "not-authorized")
        patched.restore()
        return reads

    def test_who_is_there_cannot_be_told_by_the_time(self) -> None:
        """A wrong token costs one read of the storage: of nobody, of somebody in memory, of somebody who is not."""
        self.assertEqual(self.reads_of_a_guess("nobody"), [STORE])
        self.assertEqual(self.reads_of_a_guess("romeo"), [STORE])
        self.server.server.services[Clients].let_go(ROMEO)
        self.assertEqual(self.reads_of_a_guess("romeo"), [STORE])

    def test_guesses_are_counted(self) -> None:
        """Wrong tokens are throttled by address like wrong passwords."""
        server = MemoryServer("[limits]\nauth_failures_per_address = 1\n")
        client = SASL2Login(server)
        self.assertEqual(client.by_token("guess"), [])
        server.clock.advance(10)
        self.assertEqual(condition_of(client.inbox()), "not-authorized")

    def test_at_most_two(self) -> None:
        """A client has the token it uses, and the last it was given (5.1)."""
        tokens = [with_token(self.server) for _ in range(5)]
        (data,) = self.stored().values()
        self.assertEqual([token.encode() in data for token in tokens], [False] * 4 + [True])

    def test_a_record_that_cannot_be_read(self) -> None:
        """What cannot be read is no token, and nothing falls over."""
        now(self.server.storage.commit(Put(STORE, ROMEO.bare, client_id(PHONE), b"{}")))
        self.server.server.services[Clients].let_go(ROMEO)
        self.assertEqual(condition_of(SASL2Login(self.server).by_token(self.token)), "not-authorized")

    def test_one_round_trip(self) -> None:
        """A login by a token with an inline resumption, and all that it brings: the client sends once after TLS."""
        enable = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
        client = SASL2Login(self.server)
        came = client.by_token(self.token, BIND.replace("</bind>", enable + "</bind>"))
        enabled = came[0].find(".//{urn:xmpp:sm:3}enabled")
        assert enabled is not None, "stream management is there"
        assert client.client.carrier is not None
        client.client.carrier.lose()
        again = SASL2Login(self.server)
        sent = Counted(again)
        resume = f"<resume xmlns='urn:xmpp:sm:3' previd='{enabled.get('id')}' h='0'/>"
        came = again.by_token(self.token, resume + BIND)
        self.assertEqual(sent.times, 1)
        self.assertTrue(identity_of(came).startswith("romeo@localhost/Phone/"))
        self.assertIsNotNone(came[0].find("{urn:xmpp:sm:3}resumed"))
        self.assertNotIn("{http://etherx.jabber.org/streams}features", [element.tag for element in came])
