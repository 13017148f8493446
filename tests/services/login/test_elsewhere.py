"""Clients that are known elsewhere: who is asked, what is remembered, and what clients see."""

from base64 import b64encode

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.elsewhere import HttpAuth
from xmppd.core.elsewhere import Unavailable
from xmppd.services.login.elsewhere import LONGEST_BACK_OFF_S, Asked
from xmppd.stanza.jid import JID
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer, now

NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
HTTP = '[hosts."localhost"]\nauth = "http"\n[hosts."localhost".auth_http]\nurl = "https://login.example/"\n'
OAUTH = (
    '[hosts."localhost"]\nauth = "oauth"\n[hosts."localhost".auth_oauth]\n'
    'introspection_url = "https://id.example/"\nscope = "xmpp"\n'
)

LARGE = "x" * 16_384
"""As large as one may be by default."""


class FakeBackend:
    """Knows one user and one token, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_gone = False
        self.owner = "romeo"

    def is_right(self, user: str, host: str, password: str) -> bool:
        """Whether it is Romeo."""
        self.ask()
        return (user, host, password) == ("romeo", "localhost", "sword")

    def whose(self, token: str) -> str | None:
        """Romeo's, if it is that one."""
        self.ask()
        return self.owner if token in ("t0k3n", LARGE) else None

    def ask(self) -> None:
        """Count it."""
        self.asked += 1
        if self.is_gone:
            raise Unavailable("the network is down")


class AskedTests(SynchronousTestCase):
    """One backend, and what is remembered of it."""

    def setUp(self) -> None:
        self.clock, self.backend = Clock(), FakeBackend()
        self.asked = self.make(HttpAuth(url="https://login.example/", cache_s=60))

    def make(self, settings: HttpAuth) -> Asked:
        """Give one with these settings."""
        return Asked("localhost", settings, self.backend, execute, self.clock.seconds, b"secret")

    def is_right(self, password: str = "sword") -> bool:
        """Ask for Romeo."""
        return self.successResultOf(self.asked.is_right("romeo", password))

    def test_remembered(self) -> None:
        """What was right is not asked again for a while; what was wrong is, and so is another password."""
        self.assertEqual([self.is_right(), self.is_right(), self.backend.asked], [True, True, 1])
        self.assertEqual([self.is_right("x"), self.is_right("x"), self.backend.asked], [False, False, 3])
        self.clock.advance(60)
        self.assertEqual([self.is_right(), self.backend.asked], [True, 4])

    def test_nothing_remembered(self) -> None:
        """Where it is so configured."""
        self.asked = self.make(HttpAuth(url="https://login.example/", cache_s=0))
        self.assertEqual([self.is_right(), self.is_right(), self.backend.asked], [True, True, 2])

    def test_nothing_in_the_clear(self) -> None:
        """No password is kept, only what means nothing elsewhere."""
        self.is_right()
        self.assertNotIn("sword", repr(self.asked._known))

    def test_back_off(self) -> None:
        """Who does not answer is left alone, twice as long each time; who was remembered comes in meanwhile."""
        self.is_right()
        self.backend.is_gone, self.backend.asked = True, 0
        pauses = []
        for _ in range(8):
            self.failureResultOf(self.asked.is_right("romeo", "x"), Unavailable)
            self.failureResultOf(self.asked.is_right("romeo", "x"), Unavailable)
            asked, waited = self.backend.asked, 0
            while self.backend.asked == asked:
                self.clock.advance(1)
                waited += 1
                self.failureResultOf(self.asked.is_right("romeo", "x"), Unavailable)
            pauses.append(waited)
            self.clock.advance(LONGEST_BACK_OFF_S)
        self.assertEqual(pauses[0], 1)
        self.assertEqual(max(pauses), LONGEST_BACK_OFF_S)
        self.backend.is_gone = False
        self.assertTrue(self.is_right())

    def test_at_a_time(self) -> None:
        """So many are asked about at the same time; the others wait for their turn."""
        waiting: list[Deferred[bool]] = []

        def later(call: object, *arguments: object) -> Deferred[bool]:
            waiting.append(Deferred())
            return waiting[-1]

        settings = HttpAuth(url="https://login.example/", at_a_time=2)
        asked = Asked("localhost", settings, self.backend, later, self.clock.seconds, b"secret")
        answers = [asked.is_right("romeo", str(number)) for number in range(3)]
        self.assertEqual(len(waiting), 2)
        waiting[0].callback(True)
        self.assertEqual(len(waiting), 3)
        for each in waiting[1:]:
            each.callback(False)
        self.assertEqual([self.successResultOf(each) for each in answers], [True, False, False])

    def test_whose(self) -> None:
        """A name alone, or with this host behind it; another host's user is nobody here."""
        for owner, expected in (
            ("romeo", "romeo"),
            ("romeo@localhost", "romeo"),
            ("romeo@elsewhere", None),
            ("", None),
        ):
            self.backend.owner = owner
            self.asked = self.make(HttpAuth(url="https://login.example/"))
            self.assertEqual(self.successResultOf(self.asked.whose("t0k3n")), expected)
        self.assertIsNone(self.successResultOf(self.asked.whose("another")))


class LoginTests(SynchronousTestCase):
    """A host that asks elsewhere."""

    def begin(self, options: str) -> None:
        """Make a server."""
        self.backend = FakeBackend()
        self.memory = MemoryServer(options, backends=lambda host: self.backend)

    def client(self) -> Client:
        """Give one that could authenticate now."""
        client = Client("romeo", "romeo@localhost/x")
        self.memory.connect(client)
        self.features = now(Deferred.fromCoroutine(client.secure()))
        client.inbox.clear()
        return client

    def answer(self, mechanism: str, data: bytes) -> str:
        """Authenticate; give "success", "challenge" or the failure's condition."""
        client = self.client()
        client.send(f"<auth xmlns='{NS_SASL}' mechanism='{mechanism}'>{b64encode(data).decode()}</auth>")
        element = client.inbox.popleft()
        name = element.tag.rpartition("}")[2]
        return element[0].tag.rpartition("}")[2] if name == "failure" else name

    @property
    def offered(self) -> list[str | None]:
        """The mechanisms that the last client was offered."""
        return [each.text for each in self.features.iter(f"{{{NS_SASL}}}mechanism")]

    def test_passwords(self) -> None:
        """Only what can work is offered; who comes in has an account from then on."""
        self.begin(HTTP)
        exists = self.memory.server.accounts.exists
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0wrong"), "not-authorized")
        self.assertFalse(exists("romeo@localhost"))
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0sword"), "success")
        self.assertTrue(exists("romeo@localhost"))
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0sword"), "success")
        self.assertEqual(self.offered, ["PLAIN"])

    def test_nobody_answers(self) -> None:
        """RFC 6120 6.5.11: it is nobody's wrong password."""
        self.begin(HTTP)
        self.backend.is_gone = True
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0sword"), "temporary-auth-failure")

    def test_tokens(self) -> None:
        """OAUTHBEARER alone is offered, under TLS; a token that is no good is told as RFC 7628 3.2.2 wants."""
        self.begin(OAUTH)
        self.assertEqual(self.answer("OAUTHBEARER", b"n,,\x01auth=Bearer other\x01\x01"), "challenge")
        self.assertEqual(self.answer("OAUTHBEARER", b"n,,\x01auth=Bearer t0k3n\x01\x01"), "success")
        self.assertTrue(self.memory.server.accounts.exists("romeo@localhost"))
        self.assertEqual(self.offered, ["OAUTHBEARER"])
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0sword"), "invalid-mechanism")

    def test_large_tokens(self) -> None:
        """A JWT with many claims is longer than any password; one that is too long ends the login, or the stream."""
        self.begin(OAUTH)
        self.assertEqual(
            self.answer("OAUTHBEARER", f"n,,\x01auth=Bearer {LARGE}\x01\x01".encode()), "success"
        )
        too_long = f"n,,\x01auth=Bearer {LARGE}{'x' * 4_096}\x01\x01".encode()
        self.assertEqual(self.answer("OAUTHBEARER", too_long), "malformed-request")
        self.assertEqual(self.answer("OAUTHBEARER", b"x" * 40_000), "error")

    def test_others_stay_small(self) -> None:
        """Where no tokens are shown, nothing before a login is larger than it was."""
        self.begin(HTTP)
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0" + b"x" * 5_000), "malformed-request")
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0" + b"x" * 16_384), "error")

    def test_an_account_that_was_removed(self) -> None:
        """It does not come back by a login while its name is kept."""
        self.begin(HTTP + "[limits]\ntombstone_s = 1_000\n")
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0sword"), "success")
        now(self.memory.server.accounts.remove(JID("romeo", "localhost", None)))
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0sword"), "not-authorized")

    def test_disabled(self) -> None:
        """Who is disabled here does not come in, whatever is said elsewhere."""
        self.begin(HTTP)
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0sword"), "success")
        now(self.memory.server.accounts.disable(JID("romeo", "localhost", None)))
        self.assertEqual(self.answer("PLAIN", b"\0romeo\0sword"), "account-disabled")

    def test_a_restart_later(self) -> None:
        """Sessions, rosters and archives are those of any account."""
        self.begin(HTTP)
        client = self.client()
        login = b64encode(b"\0romeo\0sword").decode()
        client.send(f"<auth xmlns='{NS_SASL}' mechanism='PLAIN'>{login}</auth>")
        client.inbox.clear()
        now(Deferred.fromCoroutine(client.open()))
        client.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        self.assertEqual(client.inbox.pop().get("type"), "result")
