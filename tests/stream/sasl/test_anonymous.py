"""ANONYMOUS (RFC 4505, XEP-0175)."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stream.sasl.anonymous import Anonymous
from xmppd.stream.sasl.steps import SaslError, Success


class AnonymousTests(SynchronousTestCase):
    """RFC 4505 2."""

    def test_anybody(self) -> None:
        """XEP-0175 4: success at once, with or without a trace, which is not used."""
        for initial in (None, b"", b"sirhc", "\u20ac".encode() * 255):
            self.assertEqual(Anonymous().start(initial), Success(None))

    def test_bad_trace(self) -> None:
        """RFC 4505 2: at most 255 characters of UTF-8."""
        for initial in (b"a" * 256, b"\xff", b"a" * 5000):
            self.assertEqual(
                self.assertRaises(SaslError, Anonymous().start, initial).condition, "malformed-request"
            )
