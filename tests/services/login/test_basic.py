"""Who asks by HTTP (RFC 7617): a password is looked at as that of a client that logs in, and nowhere in the clear."""

from base64 import b64encode
from types import SimpleNamespace
from typing import cast

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.services.login.test_elsewhere import HTTP, OAUTH, FakeBackend
from xmppd.core.http import HttpError, HttpRequest
from xmppd.services.login.authentication import Authentication
from xmppd.services.login.basic import HEADER_CHARS, IN_WINDOW, WINDOW_S, BasicLogin
from xmppd.services.login.delays import FAILURE_DELAYS_S
from xmppd.stanza.jid import JID
from xmppd.testing.client import PASSWORD
from xmppd.testing.server import MemoryServer, now

FREE = 2
OPTIONS = f'[limits]\nauth_failures_per_address = {FREE}\n[hosts."localhost"]\n'
ROMEO = "romeo@localhost"


def basic(user: str, password: str) -> str:
    """Give the header."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


class BasicLoginTests(SynchronousTestCase):
    """`BasicLogin`, at a server with Romeo."""

    def setUp(self) -> None:
        """Nobody has failed yet."""
        self.begin(OPTIONS)

    def begin(self, options: str) -> None:
        """Make a server."""
        self.backend = FakeBackend()
        self.memory = MemoryServer(options, backends=lambda host: self.backend)
        self.login = self.memory.server.services[BasicLogin]

    def ask(self, header: str, client: str = "192.0.2.1", *, is_secure: bool = True) -> Deferred[JID]:
        """Ask as whoever shows *header*."""
        headers = {"authorization": header} if header else {}
        asked = SimpleNamespace(client=client, is_secure=is_secure, headers=headers)
        return self.login.account(cast("HttpRequest", asked))

    def status(self, header: str, *, is_secure: bool = True) -> int:
        """Give 200, or how it was refused."""
        answers: list[object] = []
        self.ask(header, is_secure=is_secure).addBoth(answers.append)
        self.memory.pass_time(max(FAILURE_DELAYS_S))
        answer = answers[0]
        if isinstance(answer, JID):
            return 200
        error = getattr(answer, "value", None)
        assert isinstance(error, HttpError), answer
        return error.status

    def test_the_password(self) -> None:
        """The right one of an account, whose address may be written as any client would."""
        self.memory.add_account(ROMEO)
        for header in (basic(ROMEO, PASSWORD), basic("Romeo@LocalHost", PASSWORD)):
            self.assertEqual(now(self.ask(header)).bare, ROMEO)
        self.memory.add_account("jürgen@localhost", "a:b ü")
        self.assertEqual(now(self.ask(basic("jürgen@localhost", "a:b ü"))).bare, "jürgen@localhost")

    def test_no_password(self) -> None:
        """All that is wrong is told in the same words, with what is wanted (RFC 9110 15.5.2)."""
        self.memory.add_account(ROMEO)
        told = set()
        shown = (
            "",
            basic(ROMEO, "wrong"),
            basic("nobody@localhost", PASSWORD),
            basic("romeo@elsewhere", PASSWORD),
            basic("romeo", PASSWORD),
            basic("localhost", PASSWORD),
            basic(f"{ROMEO}/x", PASSWORD),
            basic("\0@localhost", PASSWORD),
            basic(ROMEO, ""),
            basic(ROMEO, f"{PASSWORD}\0"),
            f"Bearer {PASSWORD}",
            "Basic",
            "Basic *",
            "Basic /w==",
            basic(ROMEO, "x" * HEADER_CHARS),
        )
        for number, header in enumerate(shown):
            failure = self.failureResultOf(self.ask(header, client=f"192.0.2.{number}"), HttpError)
            told.add(
                (failure.value.status, failure.value.text, failure.value.headers.get("WWW-Authenticate"))
            )
        self.assertEqual(len(told), 1)
        ((status, _, challenge),) = told
        self.assertEqual((status, challenge), (401, 'Basic realm="XMPP account", charset="UTF-8"'))

    def test_in_the_clear(self) -> None:
        """A password that others may have read is not looked at, right or wrong, and none is asked for."""
        self.memory.add_account(ROMEO)
        for password in (PASSWORD, "wrong"):
            failure = self.failureResultOf(self.ask(basic(ROMEO, password), is_secure=False), HttpError)
            self.assertEqual((failure.value.status, failure.value.headers), (403, {}))
        counted = self.memory.server.services[Authentication]
        self.assertEqual((counted.logins.total(), counted.failures.total()), (0, 0))

    def test_guesses(self) -> None:
        """Failures count together with those of logins: answers come later, a right password is never refused."""
        self.memory.add_account(ROMEO)
        for _ in range(FREE - 1):
            self.failureResultOf(self.ask(basic(ROMEO, "wrong")), HttpError)
        slow = self.ask(basic(ROMEO, "wrong"))
        self.assertNoResult(slow)
        right = self.ask(basic(ROMEO, PASSWORD))
        self.assertNoResult(right)
        self.memory.pass_time(1)
        self.assertEqual(self.successResultOf(right).bare, ROMEO)
        self.assertEqual(now(self.ask(basic(ROMEO, PASSWORD), client="192.0.2.2")).bare, ROMEO)
        self.memory.pass_time(FAILURE_DELAYS_S[0])
        self.failureResultOf(slow, HttpError)
        counted = self.memory.server.services[Authentication]
        self.assertEqual(counted.failures[("localhost", "PLAIN")], FREE)

    def test_so_many_requests(self) -> None:
        """An account has so many in a while; who does not know its password uses none of them up."""
        self.memory.add_account(ROMEO)
        for _ in range(IN_WINDOW):
            self.status(basic(ROMEO, "wrong"))
        self.memory.pass_time(WINDOW_S)
        answers = [now(self.ask(basic(ROMEO, PASSWORD), "192.0.2.9")) for _ in range(IN_WINDOW)]
        self.assertEqual(len(answers), IN_WINDOW)
        failure = self.failureResultOf(self.ask(basic(ROMEO, PASSWORD), "192.0.2.9"), HttpError)
        self.assertEqual((failure.value.status, failure.value.headers["Retry-After"]), (429, "60"))
        self.memory.pass_time(WINDOW_S)
        self.assertEqual(self.status(basic(ROMEO, PASSWORD)), 200)

    def test_who_may_not_log_in(self) -> None:
        """An account that is disabled is told so with the right password alone."""
        self.memory.add_account(ROMEO)
        now(self.memory.server.accounts.disable(JID.parse(ROMEO)))
        self.assertEqual(self.status(basic(ROMEO, PASSWORD)), 403)
        self.assertEqual(self.status(basic(ROMEO, "wrong")), 401)

    def test_known_elsewhere(self) -> None:
        """Who knows the accounts is asked; where nobody answers it is nobody's wrong password."""
        self.begin(HTTP)
        self.assertEqual(self.status(basic(ROMEO, "wrong")), 401)
        self.assertEqual(self.status(basic(ROMEO, "sword")), 200)
        self.backend.is_gone = True
        self.assertEqual(self.status(basic(ROMEO, "wrong")), 503)

    def test_without_passwords(self) -> None:
        """Where clients show tokens, or are anonymous, no password is taken."""
        for options in (OAUTH, '[hosts."localhost"]\nauth = "anonymous"\n'):
            self.begin(options)
            self.assertEqual(self.status(basic(ROMEO, "sword")), 403)
            self.assertEqual(self.backend.asked, 0)
