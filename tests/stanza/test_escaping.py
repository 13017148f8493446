"""JID escaping (XEP-0106)."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza.escaping import escape_localpart, unescape_localpart
from xmppd.stanza.jid import prepare_localpart

ESCAPED = (  # XEP-0106 4.2 and 5
    ("d'artagnan", "d\\27artagnan"),
    ("space cadet", "space\\20cadet"),
    ('call me "ishmael"', "call\\20me\\20\\22ishmael\\22"),
    ("at&t guy", "at\\26t\\20guy"),
    ("/.fanboy", "\\2f.fanboy"),
    ("::foo::", "\\3a\\3afoo\\3a\\3a"),
    ("<foo>", "\\3cfoo\\3e"),
    ("user@host", "user\\40host"),
    ("c:\\net", "c\\3a\\net"),
    ("c:\\\\net", "c\\3a\\\\net"),
    ("c:\\cool stuff", "c\\3a\\cool\\20stuff"),
    ("c:\\5commas", "c\\3a\\5c5commas"),
    ("\\3and\\2is\\5cool", "\\5c3and\\2is\\5c5cool"),
    ("\\2plus\\2is\\4", "\\2plus\\2is\\4"),
    ("foo\\bar", "foo\\bar"),
    ("foob\\41r", "foob\\41r"),
)


class EscapingTests(SynchronousTestCase):
    """The transformations of XEP-0106 4."""

    def test_examples(self) -> None:
        """The examples of the XEP, both ways."""
        for plain, escaped in ESCAPED:
            self.assertEqual(escape_localpart(plain), escaped)
            self.assertEqual(unescape_localpart(escaped), plain)

    def test_blanks_at_the_ends(self) -> None:
        """The sequence for a blank is never first or last (XEP-0106 4.2)."""
        for name in (" a", "a ", " "):
            self.assertRaises(ValueError, escape_localpart, name)

    @settings(max_examples=100, deadline=None, database=None)
    @given(
        st.text("ab2570cef\\ \"&'/:<>@", min_size=1, max_size=12).filter(lambda name: name == name.strip(" "))
    )
    def test_round_trip(self, name: str) -> None:
        """What is escaped is a localpart and comes back unchanged."""
        escaped = escape_localpart(name)
        self.assertEqual(prepare_localpart(escaped), escaped)
        self.assertEqual(unescape_localpart(escaped), name)
