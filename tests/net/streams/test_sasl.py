"""SASL on a client stream (RFC 6120 6): what a dialogue cannot bring about."""

from base64 import b64decode, b64encode

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.stream.sasl.client import ScramClient
from xmppd.services.login.delays import FAILURE_DELAYS_S
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFailed
from xmppd.testing.client import NS_SASL, PASSWORD, Client
from xmppd.testing.server import MemoryServer, now

ROMEO = JID.parse("romeo@localhost")


class SaslTestCase(SynchronousTestCase):
    """Clients of one server, all from one address."""

    options = ""

    def setUp(self) -> None:
        """Make the server and an account."""
        self.world = MemoryServer(self.options)
        self.world.add_account("romeo@localhost")

    def client(self) -> Client:
        """Give a client that may authenticate."""
        client = self.world.client("romeo@localhost/orchard")
        now(Deferred.fromCoroutine(client.secure()))
        return client

    def try_password(self, client: Client, password: str) -> None:
        """Send it by PLAIN."""
        message = b64encode(f"\0romeo\0{password}".encode()).decode()
        client.send(f"<auth xmlns='{NS_SASL}' mechanism='PLAIN'>{message}</auth>")

    def answer(self, client: Client) -> str:
        """Give the condition of the failure that came next, "success", or "" where nothing came."""
        if not client.inbox:
            return ""
        element = client.inbox.popleft()
        name = element.tag.rpartition("}")[2]
        return element[0].tag.rpartition("}")[2] if name == "failure" else name


class FailureTests(SaslTestCase):
    """Conditions of RFC 6120 6.5."""

    def test_account_disabled(self) -> None:
        """RFC 6120 6.5.2: whoever knows the password hears it, nobody else."""
        now(self.world.server.accounts.disable(ROMEO))
        client = self.client()
        self.try_password(client, PASSWORD)
        self.assertEqual(self.answer(client), "account-disabled")
        self.try_password(client, "wrong")
        self.assertEqual(self.answer(client), "not-authorized")

    def test_temporary_auth_failure(self) -> None:
        """RFC 6120 6.5.11: the storage cannot be read; the stream stays, and the next attempt may succeed."""
        client = self.client()
        self.world.storage.failing_reads = StorageFailed("the disk is gone")
        self.try_password(client, PASSWORD)
        self.assertEqual(self.answer(client), "temporary-auth-failure")
        self.assertEqual(len(self.flushLoggedErrors(StorageFailed)), 1)
        self.world.storage.failing_reads = None
        self.try_password(client, PASSWORD)
        self.assertEqual(self.answer(client), "success")

    def test_account_that_goes_meanwhile(self) -> None:
        """An account that is removed while its owner authenticates lets nobody in."""
        client = self.client()
        checks: list[Deferred[bool]] = []

        def check(jid: JID, password: str) -> Deferred[bool]:
            checks.append(Deferred())
            return checks[-1]

        self.patch(self.world.server.accounts, "check", check)
        self.try_password(client, PASSWORD)
        now(self.world.server.accounts.remove(ROMEO))
        checks[0].callback(True)
        self.assertEqual(self.answer(client), "not-authorized")

    def test_account_that_changes_meanwhile(self) -> None:
        """Keys of a password that is changed between challenge and response let nobody in, nor those of a namesake."""
        accounts = self.world.server.accounts

        def another_account() -> None:
            now(accounts.remove(ROMEO))
            now(accounts.create(ROMEO, "another's", over_tombstone=True))

        for change, expected in (
            (lambda: None, "success"),
            (lambda: now(accounts.set_password(JID.parse("juliet@localhost"), "new")), "success"),
            (lambda: now(accounts.set_password(ROMEO, PASSWORD)), "not-authorized"),
            (another_account, "not-authorized"),
        ):
            self.world.add_account("juliet@localhost")
            client, scram = self.client(), ScramClient("SCRAM-SHA-256", "romeo", PASSWORD)
            first = b64encode(scram.first()).decode()
            client.send(f"<auth xmlns='{NS_SASL}' mechanism='SCRAM-SHA-256'>{first}</auth>")
            final = scram.final(b64decode(client.inbox.popleft().text or ""))
            change()
            client.send(f"<response xmlns='{NS_SASL}'>{b64encode(final).decode()}</response>")
            self.assertEqual(self.answer(client), expected)

    def test_client_that_goes_meanwhile(self) -> None:
        """A connection that is lost while the password is checked is nobody's success."""
        client = self.client()
        checks: list[Deferred[bool]] = []

        def check(jid: JID, password: str) -> Deferred[bool]:
            checks.append(Deferred())
            return checks[-1]

        self.patch(self.world.server.accounts, "check", check)
        self.try_password(client, PASSWORD)
        assert client.carrier is not None
        client.carrier.lose()
        checks[0].callback(True)
        self.assertEqual(self.answer(client), "")
        self.assertEqual(len(self.world.server.registry), 0)
        self.assertEqual(len(self.world.factory.connections), 0)

    def test_what_follows_waits(self) -> None:
        """RFC 6120 6.4.1: what is sent while a password is checked is read when that is done, by the state then."""
        client = self.client()
        checks: list[Deferred[bool]] = []

        def check(jid: JID, password: str) -> Deferred[bool]:
            checks.append(Deferred())
            return checks[-1]

        self.patch(self.world.server.accounts, "check", check)
        self.try_password(client, PASSWORD)
        client.send("<stream:stream to='localhost' version='1.0' xmlns='jabber:client' ")
        client.send("xmlns:stream='http://etherx.jabber.org/streams'>")
        client.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        self.assertEqual(len(client.inbox), 0)
        self.assertEqual(len(self.world.server.registry), 0)
        heard: list[bytes] = []
        self.patch(client, "received", heard.append)  # more than one stream's
        checks[0].callback(True)
        self.assertEqual(len(self.world.server.registry), 1)
        self.assertIn(b"<jid>romeo@localhost/", heard[-1])


class ThrottleTests(SaslTestCase):
    """Failures are throttled by address; a correct login is delayed by at most 1 s, never refused.

    promises#throttled-not-locked.
    """

    options = "[limits]\nauth_failures_per_address = 3\nauth_failures = 100"

    def test_failures_wait_longer_and_longer(self) -> None:
        """Beyond the allowance each answer is delayed."""
        client = self.client()
        for delay in (0.0, 0.0, FAILURE_DELAYS_S[0]):
            self.try_password(client, "wrong")
            if delay:
                self.world.clock.advance(delay - 0.1)
                self.assertEqual(self.answer(client), "")
                self.world.clock.advance(0.2)
            self.assertEqual(self.answer(client), "not-authorized")

    def test_correct_login_beside_an_attacker(self) -> None:
        """From the address of an attacker: within a second, and no account is locked out."""
        attacker, client = self.client(), self.client()
        for _ in range(3):
            self.try_password(attacker, "wrong")
        self.world.clock.advance(FAILURE_DELAYS_S[-1])
        self.try_password(client, PASSWORD)
        self.assertEqual(self.answer(client), "")
        self.world.clock.advance(1.0)
        self.assertEqual(self.answer(client), "success")


class ShorterDelayTests(ThrottleTests):
    """limits.auth_delay_s."""

    options = ThrottleTests.options + "\nauth_delay_s = 0.25"

    def test_correct_login_beside_an_attacker(self) -> None:
        """The operator says how long it waits."""
        attacker, client = self.client(), self.client()
        for _ in range(3):
            self.try_password(attacker, "wrong")
        self.world.clock.advance(FAILURE_DELAYS_S[-1])
        self.try_password(client, PASSWORD)
        self.assertEqual(self.answer(client), "")
        self.world.clock.advance(0.25)
        self.assertEqual(self.answer(client), "success")
