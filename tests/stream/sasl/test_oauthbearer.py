"""OAUTHBEARER (RFC 7628)."""

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.sasl.client import REALM
from xmppd.stream.sasl.oauthbearer import OAuthBearer
from xmppd.stream.sasl.steps import Challenge, CheckToken, SaslError, Success

GOOD = b"n,a=alice@localhost,\x01host=localhost\x01port=5222\x01auth=Bearer vF9dft4qmT\x01\x01"
REFUSED = {
    "empty": (b"", "malformed-request"),
    "no fields": (b"n,,", "malformed-request"),
    "no end": (b"n,,\x01auth=Bearer x\x01", "malformed-request"),
    "no token": (b"n,,\x01host=x\x01\x01", "malformed-request"),
    "an empty token": (b"n,,\x01auth=Bearer \x01\x01", "malformed-request"),
    "another scheme": (b"n,,\x01auth=Basic x\x01\x01", "malformed-request"),
    "a channel binding": (b"p=tls-exporter,,\x01auth=Bearer x\x01\x01", "malformed-request"),
    "no identity": (b"n,alice,\x01auth=Bearer x\x01\x01", "malformed-request"),
    "not UTF-8": (b"n,,\x01auth=Bearer \xff\x01\x01", "malformed-request"),
    "long": (b"n,,\x01auth=Bearer " + b"x" * 5_000 + b"\x01\x01", "malformed-request"),
}


class OAuthBearerTests(SynchronousTestCase):
    """One exchange."""

    def setUp(self) -> None:
        self.exchange = OAuthBearer(REALM, {"scope": "xmpp"})

    def condition(self, data: bytes) -> str:
        """Give the condition with which a message is refused."""
        refused: SaslError = self.assertRaises(SaslError, OAuthBearer(REALM, {}).start, data)
        return refused.condition

    def test_good(self) -> None:
        """Section 3.1: the token is asked about, and whose it is comes in."""
        self.assertEqual(self.exchange.start(GOOD), CheckToken("vF9dft4qmT"))
        self.assertEqual(self.exchange.token_checked("Alice"), Success("alice"))

    def test_without_an_identity(self) -> None:
        """Who the client is, the token says; the scheme's case does not matter (RFC 7235 2.1)."""
        self.assertEqual(self.exchange.start(b"n,,\x01auth=bearer x\x01\x01"), CheckToken("x"))
        self.assertEqual(self.exchange.token_checked("bob"), Success("bob"))

    def test_another_identity(self) -> None:
        """A token of one user lets nobody be another."""
        self.exchange.start(GOOD)
        refused: SaslError = self.assertRaises(SaslError, self.exchange.token_checked, "bob")
        self.assertEqual(refused.condition, "invalid-authzid")

    def test_no_good(self) -> None:
        """Section 3.2.2 and 3.2.3: an error in JSON with what may help, then the client's word, then the failure."""
        for name in (None, "al ice"):
            exchange = OAuthBearer(REALM, {"scope": "xmpp"})
            exchange.start(GOOD)
            answer = exchange.token_checked(name)
            assert isinstance(answer, Challenge)
            self.assertEqual(json.loads(answer.data), {"status": "invalid_token", "scope": "xmpp"})
            refused: SaslError = self.assertRaises(SaslError, exchange.respond, b"\x01")
            self.assertEqual((refused.condition, refused.is_guess), ("not-authorized", True))

    def test_refused(self) -> None:
        """What is no message of this mechanism."""
        for name, (data, condition) in REFUSED.items():
            self.assertEqual(self.condition(data), condition, name)

    def test_no_initial_response(self) -> None:
        """An empty challenge asks for it (RFC 4422 3.3)."""
        self.assertEqual(self.exchange.start(None), Challenge(b""))
        self.assertEqual(self.exchange.respond(GOOD), CheckToken("vF9dft4qmT"))
