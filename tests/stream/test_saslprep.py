"""SASLprep against the examples and the tables of RFC 4013."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stream.saslprep import saslprep

EXAMPLES = (
    ("I\u00adX", "IX"),  # soft hyphen mapped to nothing
    ("user", "user"),
    ("USER", "USER"),  # case preserved
    ("\u00aa", "a"),  # NFKC
    ("\u2168", "IX"),  # NFKC
)
"""RFC 4013 3, rows 1 to 5."""

PROHIBITED = {
    "control": "a\u0007",
    "delete": "a\x7f",
    "non-ASCII control": "a\u0085",
    "private use": "a\ue000",
    "non-character": "a\ufdd0",
    "surrogate": "a\ud800",
    "not plain text": "a\ufffd",
    "not canonical": "a\u2ff0",
    "display property": "a\u200e",
    "tag": "a\U000e0041",
}


class SaslprepTests(SynchronousTestCase):
    """RFC 4013."""

    def test_examples(self) -> None:
        """The examples of RFC 4013 3 come out as printed there."""
        for given, expected in EXAMPLES:
            self.assertEqual(saslprep(given), expected)

    def test_prohibited_example(self) -> None:
        """RFC 4013 3, row 6: a control character is an error."""
        self.assertRaises(ValueError, saslprep, "\u0007")

    def test_bidirectional_example(self) -> None:
        """RFC 4013 3, row 7: a right-to-left text that ends in a digit is an error."""
        self.assertRaises(ValueError, saslprep, "\u0627\u0031")

    def test_prohibited_output(self) -> None:
        """RFC 4013 2.3: each class of prohibited characters is refused."""
        for name, text in PROHIBITED.items():
            with self.subTest(name):
                self.assertRaises(ValueError, saslprep, text)

    def test_spaces(self) -> None:
        """RFC 4013 2.1: any space becomes U+0020, and spaces are allowed."""
        self.assertEqual(saslprep("a\u00a0b\u3000c d"), "a b c d")

    def test_mapped_to_nothing(self) -> None:
        """RFC 4013 2.1: a text of nothing but soft hyphens is empty."""
        self.assertEqual(saslprep("\u00ad\u00ad"), "")

    def test_bidirectional(self) -> None:
        """RFC 3454 6: right-to-left text is fine by itself, and refused mixed with left-to-right."""
        self.assertEqual(saslprep("\u0627\u0031\u0628"), "\u0627\u0031\u0628")
        self.assertRaises(ValueError, saslprep, "\u0627a\u0628")

    def test_unassigned(self) -> None:
        """RFC 4013 2.5: what Unicode 3.2 did not know is refused, except in a query."""
        self.assertRaises(ValueError, saslprep, "\U0001f511")
        self.assertEqual(saslprep("\U0001f511", allow_unassigned=True), "\U0001f511")

    def test_normalises_by_unicode_3_2(self) -> None:
        """RFC 3454 7: what became compatible only later (U+1D2C) is left alone in a query."""
        self.assertEqual(saslprep("\u1d2c", allow_unassigned=True), "\u1d2c")

    def test_twice_is_once(self) -> None:
        """A prepared text stays as it is, so that both ends may prepare."""
        for given in ("I\u00adX", "\u2168", "a\u00a0b", "\u0627\u0031\u0628", "\ufb01"):
            self.assertEqual(saslprep(saslprep(given)), saslprep(given))
