"""The handshake of XEP-0114 3."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stream.component_handshake import handshake_of, is_right


class HandshakeTests(SynchronousTestCase):
    """`handshake_of`, `is_right`."""

    def test_is_the_sha1_of_id_and_secret(self) -> None:
        """In hexadecimal digits, lower case; a secret beyond ASCII counts in UTF-8."""
        self.assertEqual(handshake_of("abc", b"def"), "1f8ac10f23c5b5bc1167bda84b833e5c057a77d2")
        self.assertTrue(is_right(handshake_of("id", "schlüssel".encode()), "id", "schlüssel".encode()))

    def test_only_that_is_right(self) -> None:
        """Another id, another secret, none at all, and an empty one that nobody may have."""
        shown = handshake_of("id", b"secret")
        self.assertTrue(is_right(shown, "id", b"secret"))
        self.assertFalse(is_right(shown, "other id", b"secret"))
        self.assertFalse(is_right(shown, "id", b"other"))
        self.assertFalse(is_right("", "id", b"secret"))
        self.assertFalse(is_right(shown[:-1], "id", b"secret"))
        self.assertFalse(is_right(handshake_of("id", b""), "id", b""))

    def test_spelling_is_forgiven(self) -> None:
        """Upper case and white space around it, as some components write it; other characters are no digits."""
        shown = handshake_of("id", b"secret")
        self.assertTrue(is_right(f"\n  {shown.upper()} ", "id", b"secret"))
        self.assertFalse(is_right("é" * 40, "id", b"secret"))
