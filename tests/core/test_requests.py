"""IQ requests of our own (RFC 6120 8.2.3): answered once, by whom they were sent to, or in time by nobody."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.requests import PendingRequests
from xmppd.core.timers import Timers
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

REQUEST = Stanza.make(
    "iq", Element("x", "urn:x"), to="bob@localhost/a", from_="localhost", id="7", type="get"
)
BOB = JID.parse("bob@localhost/a")


class PendingRequestsTests(SynchronousTestCase):
    """`PendingRequests`."""

    def setUp(self) -> None:
        """Give each test a clock."""
        self.clock = Clock()
        self.requests = PendingRequests(Timers(self.clock), max_pending=lambda: 2)

    def test_result(self) -> None:
        """The result fires the Deferred, once."""
        answer = self.requests.expect(REQUEST, 10)
        result = REQUEST.result()
        self.assertTrue(self.requests.answer(BOB, result))
        self.assertIs(self.successResultOf(answer), result)
        self.assertFalse(self.requests.answer(BOB, result))

    def test_error(self) -> None:
        """An error becomes the `StanzaError` that the peer meant."""
        answer = self.requests.expect(REQUEST, 10)
        self.requests.answer(BOB, REQUEST.error_reply(StanzaError("forbidden", "no")))
        error = self.failureResultOf(answer, StanzaError).value
        self.assertEqual((error.condition, error.text), ("forbidden", "no"))

    def test_error_type(self) -> None:
        """RFC 6120 8.3.2: the peer's own type says whether it is worth trying again."""
        answer = self.requests.expect(REQUEST, 30.0)
        self.requests.answer(BOB, REQUEST.error_reply(StanzaError("service-unavailable", type="wait")))
        self.assertEqual(self.failureResultOf(answer, StanzaError).value.type, "wait")

    def test_an_answer_of_somebody_else_is_none(self) -> None:
        """The id alone does not match: the peer's address belongs to it."""
        answer = self.requests.expect(REQUEST, 10)
        self.assertFalse(self.requests.answer(JID.parse("eve@localhost/a"), REQUEST.result()))
        self.assertNoResult(answer)
        self.requests.answer(BOB, REQUEST.result())

    def test_timeout(self) -> None:
        """Without an answer the request fails with remote-server-timeout, and nothing is kept."""
        answer = self.requests.expect(REQUEST, 10)
        self.clock.advance(10.1)
        self.assertEqual(self.failureResultOf(answer, StanzaError).value.condition, "remote-server-timeout")
        self.assertEqual(len(self.requests), 0)

    def test_bound(self) -> None:
        """Beyond the limit a request fails at once, the others stay."""
        for number in "12":
            self.requests.expect(REQUEST.replace(id=number), 10)
        third = self.requests.expect(REQUEST.replace(id="3"), 10)
        self.assertEqual(self.failureResultOf(third, StanzaError).value.condition, "resource-constraint")
        self.assertEqual(len(self.requests), 2)
