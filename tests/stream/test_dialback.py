"""Dialback without a stream: keys by XEP-0185, elements by XEP-0220."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza.element import parse_element
from xmppd.stream.dialback import BadDialback, Dialback, is_key, make_key, read

NS = "jabber:server:dialback"
SECRET = b"s3cr3tf0rd14lb4ck"
KEY = "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"


class KeyTests(SynchronousTestCase):
    """XEP-0185 3."""

    def test_example(self) -> None:
        """The example of the specification."""
        self.assertEqual(make_key(SECRET, "xmpp.example.com", "example.org", "D60000229F"), KEY)
        self.assertTrue(is_key(SECRET, "xmpp.example.com", "example.org", "D60000229F", KEY))

    def test_bound_to_its_stream(self) -> None:
        """For other domains, another stream or another secret it is none; nor is what is no key at all."""
        to, from_, stream = "xmpp.example.com", "example.org", "D60000229F"
        self.assertFalse(is_key(b"other", to, from_, stream, KEY))
        self.assertFalse(is_key(SECRET, "example.com", from_, stream, KEY))
        self.assertFalse(is_key(SECRET, to, "xmpp.example.org", stream, KEY))
        self.assertFalse(is_key(SECRET, to, from_, "D60000229E", KEY))
        for key in ("ключ", ""):
            self.assertFalse(is_key(SECRET, to, from_, stream, key))


class ElementTests(SynchronousTestCase):
    """XEP-0220 2."""

    def test_there_and_back(self) -> None:
        """A request, its answer, and an error."""
        request = Dialback("result", "a.example", "b.example", key="k")
        self.assertEqual(request.to_bytes(), b"<db:result from='a.example' to='b.example'>k</db:result>")
        answer = request.answer("error", "item-not-found")
        text = answer.to_bytes().replace(b"<db:result", f"<db:result xmlns:db='{NS}'".encode())
        self.assertEqual(read(parse_element(text)), answer)

    def test_addresses(self) -> None:
        """2.4: domains they must be, and be there; they are prepared."""
        for attrs in ("from='a.example'", "from='a.example' to=''", "from='x@a.example' to='b.example'"):
            element = parse_element(f"<result xmlns='{NS}' {attrs}>k</result>".encode())
            self.assertRaises(BadDialback, read, element)
        found = read(
            parse_element(f"<result xmlns='{NS}' from='A.example' to='B.example'>k</result>".encode())
        )
        self.assertEqual((found.from_, found.to), ("a.example", "b.example"))
