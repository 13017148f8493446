"""PLAIN (RFC 4616)."""

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.sasl.client import REALM
from xmppd.stream.sasl.plain import PART_BYTES, Plain
from xmppd.stream.sasl.steps import Challenge, CheckPassword, SaslError, Success

REFUSED = {
    "empty": (b"", "malformed-request"),
    "no NUL": (b"alice", "malformed-request"),
    "one NUL": (b"alice\0secret", "malformed-request"),
    "three NULs": (b"\0alice\0secret\0", "malformed-request"),
    "no name": (b"\0\0secret", "malformed-request"),
    "no password": (b"\0alice\0", "malformed-request"),
    "not UTF-8": (b"\0alice\0\xff", "malformed-request"),
    "long name": (b"\0" + b"a" * (PART_BYTES + 1) + b"\0secret", "malformed-request"),
    "long password": (b"\0alice\0" + b"a" * (PART_BYTES + 1), "malformed-request"),
    "long message": (b"\0alice\0" + b"a" * 5000, "malformed-request"),
    "another's authzid": (b"bob\0alice\0secret", "invalid-authzid"),
    "another host's authzid": (b"alice@example.org\0alice\0secret", "invalid-authzid"),
    "JID as name": (b"\0alice@localhost\0secret", "not-authorized"),
    "impossible name": (b"\0al ice\0secret", "not-authorized"),
    "prohibited in name": (b"\0al\x07ice\0secret", "not-authorized"),
    "prohibited in password": (b"\0alice\0\x07", "not-authorized"),
    "nothing left of name": ("\0\u00ad\0secret".encode(), "not-authorized"),
    "nothing left of password": ("\0alice\0\u00ad".encode(), "not-authorized"),
}


class PlainTests(SynchronousTestCase):
    """RFC 4616 2."""

    def test_right_password(self) -> None:
        """Name and password come out prepared; the driver's yes is success."""
        plain = Plain(REALM)
        self.assertEqual(plain.start("\0Alice\0p\u00adencil".encode()), CheckPassword("alice", "pencil"))
        self.assertEqual(plain.checked(True), Success("alice"))

    def test_wrong_password(self) -> None:
        """The driver's no is not-authorized, and the exchange is over."""
        plain = Plain(REALM)
        plain.start(b"\0alice\0wrong")
        self.assertEqual(self.assertRaises(SaslError, plain.checked, False).condition, "not-authorized")
        self.assertEqual(
            self.assertRaises(SaslError, plain.respond, b"\0alice\0x").condition, "malformed-request"
        )
        self.assertRaises(RuntimeError, plain.checked, True)

    def test_own_authzid(self) -> None:
        """RFC 6120 6.3.8: one's own name or bare JID."""
        for authzid in (b"alice", b"alice@localhost", b"Alice@LOCALHOST"):
            self.assertEqual(
                Plain(REALM).start(authzid + b"\0alice\0pencil"), CheckPassword("alice", "pencil")
            )

    def test_without_initial_response(self) -> None:
        """RFC 4422 3.3: without initial response the message is asked for."""
        plain = Plain(REALM)
        self.assertEqual(plain.start(None), Challenge(b""))
        self.assertEqual(plain.respond(b"\0alice\0pencil"), CheckPassword("alice", "pencil"))

    def test_longest(self) -> None:
        """RFC 4616 2: at least 255 octets of each part are taken."""
        password = "a" * PART_BYTES
        self.assertEqual(
            Plain(REALM).start(f"\0alice\0{password}".encode()), CheckPassword("alice", password)
        )

    def test_refused(self) -> None:
        """RFC 4616 2: everything else, with its condition."""
        for name, (message, condition) in REFUSED.items():
            with self.subTest(name):
                error = self.assertRaises(SaslError, Plain(REALM).start, message)
                self.assertEqual(error.condition, condition, name)

    def test_password_is_not_shown(self) -> None:
        """The password does not get into a log by the step's repr."""
        self.assertNotIn("pencil", repr(Plain(REALM).start(b"\0alice\0pencil")))

    def test_no_keys(self) -> None:
        """Keys were not asked for."""
        self.assertRaises(RuntimeError, Plain(REALM).keys, None)
