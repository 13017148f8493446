"""Payloads and conditions of SASL in XMPP (RFC 6120 6.4, 6.5)."""

import base64

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stream.sasl.steps import CONDITIONS, MESSAGE_BYTES, SaslError, decode_initial, decode_payload

NOT_BASE64 = ("YQ", "YQ=", "YQ===", "YR==", "Y Q==", "YQ==\n", "-_==", "YQ==YQ==", "==", "Yü==", "\0", "a")


class PayloadTests(SynchronousTestCase):
    """RFC 6120 6.4.2."""

    def test_decoded(self) -> None:
        """Base64, and "=" for an empty message."""
        for text, data in (("YQ==", b"a"), ("AP8=", b"\0\xff"), ("=", b""), ("", b"")):
            self.assertEqual(decode_payload(text), data)

    def test_initial(self) -> None:
        """RFC 6120 6.4.2: no initial response differs from an empty one."""
        self.assertIsNone(decode_initial(""))
        self.assertEqual(decode_initial("="), b"")
        self.assertEqual(decode_initial("YQ=="), b"a")

    def test_incorrect_encoding(self) -> None:
        """RFC 6120 6.5.4: anything that is not base64 to the letter."""
        for text in NOT_BASE64:
            with self.subTest(text):
                error = self.assertRaises(SaslError, decode_payload, text)
                self.assertEqual(error.condition, "incorrect-encoding")

    def test_length(self) -> None:
        """Up to 4,096 bytes are decoded; much more is malformed before it is looked at."""
        longest = base64.b64encode(b"a" * MESSAGE_BYTES).decode()
        self.assertEqual(decode_payload(longest), b"a" * MESSAGE_BYTES)
        error = self.assertRaises(SaslError, decode_payload, longest + "YWFh")
        self.assertEqual(error.condition, "malformed-request")


class ConditionTests(SynchronousTestCase):
    """RFC 6120 6.5."""

    def test_conditions(self) -> None:
        """The eleven conditions of the RFC, and no other."""
        self.assertEqual(len(CONDITIONS), 11)
        for condition in CONDITIONS:
            error = SaslError(condition, "why")
            self.assertEqual((error.condition, error.text), (condition, "why"))
        self.assertRaises(ValueError, SaslError, "forbidden")
