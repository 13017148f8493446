"""EXTERNAL (RFC 4422 A, XEP-0178)."""

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.sasl.client import REALM
from xmppd.stream.sasl.external import External
from xmppd.stream.sasl.steps import Challenge, SaslError, Success

ALICE, BOB, ELSEWHERE = "alice@localhost", "bob@localhost", "carol@example.org"


class ExternalTests(SynchronousTestCase):
    """XEP-0178 2."""

    def assert_refused(self, condition: str, certified: list[str], authzid: bytes) -> None:
        """The certificate does not make that account."""
        error = self.assertRaises(SaslError, External(REALM, certified).start, authzid)
        self.assertEqual(error.condition, condition)

    def test_only_account(self) -> None:
        """Without authzid the one account in the certificate; names at other hosts do not count."""
        self.assertEqual(External(REALM, [ALICE]).start(b""), Success("alice"))
        self.assertEqual(External(REALM, [ELSEWHERE, ALICE, ALICE]).start(b""), Success("alice"))

    def test_without_initial_response(self) -> None:
        """RFC 4422 A: without initial response the authzid is asked for, and may be empty."""
        external = External(REALM, [ALICE])
        self.assertEqual(external.start(None), Challenge(b""))
        self.assertEqual(external.respond(b""), Success("alice"))

    def test_one_of_several(self) -> None:
        """The authzid says which, after preparation."""
        self.assertEqual(External(REALM, [ALICE, BOB]).start(b"Bob@localhost"), Success("bob"))

    def test_which_of_several(self) -> None:
        """Without authzid, more than one account is invalid-authzid."""
        self.assert_refused("invalid-authzid", [ALICE, BOB], b"")

    def test_another(self) -> None:
        """An account that is not in the certificate, of this or another host, or no account."""
        for authzid in (
            BOB,
            ELSEWHERE,
            "localhost",
            "alice@localhost/phone",
            "alice@localhost@localhost",
            "@",
        ):
            self.assert_refused("invalid-authzid", [ALICE, ELSEWHERE, "localhost"], authzid.encode())

    def test_no_account(self) -> None:
        """A certificate without an account of the host lets nobody in."""
        for authzid in (b"", ALICE.encode()):
            self.assert_refused("invalid-authzid", [], authzid)

    def test_malformed(self) -> None:
        """RFC 4422 A: the authzid is UTF-8 without NUL."""
        for authzid in (b"alice\0@localhost", b"\xff", b"a" * 5000):
            self.assert_refused("malformed-request", [ALICE], authzid)
