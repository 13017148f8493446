"""Error conditions (RFC 6120 4.9.3, 8.3.3)."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza import ns
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.errors import STANZA_CONDITIONS, STREAM_CONDITIONS, StanzaError, StreamError


class StanzaErrorTests(SynchronousTestCase):
    """RFC 6120 8.3."""

    def test_every_condition(self) -> None:
        """Each condition of RFC 6120 8.3.3 has its type."""
        self.assertEqual(len(STANZA_CONDITIONS), 22)
        for condition, type_ in STANZA_CONDITIONS.items():
            element = StanzaError(condition).to_element()
            self.assertEqual((element.name, element.ns, element.attrs), ("error", ns.CLIENT, {"type": type_}))
            self.assertEqual(element.children, [Element(condition, ns.STANZA_ERRORS)])

    def test_all_parts(self) -> None:
        """Type, text, new address and application condition (RFC 6120 8.3.2)."""
        extra = Element("x", "urn:x")
        error = StanzaError("gone", "why", type="modify", extra=extra, uri="xmpp:a@b")
        self.assertEqual(str(error), "gone: why")
        self.assertEqual(
            error.to_element(),
            parse_element(
                b"<error type='modify'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:a@b</gone>"
                b"<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>why</text><x xmlns='urn:x'/></error>"
            ),
        )

    def test_unknown(self) -> None:
        """A condition or a type that the RFC does not know is a mistake of ours."""
        self.assertRaises(ValueError, StanzaError, "bad-luck")
        self.assertRaises(ValueError, StanzaError, "gone", type="fatal")


class StreamErrorTests(SynchronousTestCase):
    """RFC 6120 4.9."""

    def test_every_condition(self) -> None:
        """Each condition of RFC 6120 4.9.3 can be told."""
        self.assertEqual(len(STREAM_CONDITIONS), 25)
        for condition in STREAM_CONDITIONS:
            element = StreamError(condition).to_element()
            self.assertEqual(
                element, Element("error", ns.STREAMS, None, [Element(condition, ns.STREAM_ERRORS)])
            )

    def test_all_parts(self) -> None:
        """Text, other host and application condition (RFC 6120 4.9.2), under the stream's prefix."""
        error = StreamError("see-other-host", "full", host="[::1]:5222", extra=Element("x", "urn:x"))
        wrapped = parse_element(error.to_bytes(), ns.CLIENT, {"stream": ns.STREAMS})
        self.assertEqual(wrapped, error.to_element())
        self.assertEqual(wrapped.child_text("see-other-host", ns.STREAM_ERRORS), "[::1]:5222")
        self.assertEqual(wrapped.child_text("text", ns.STREAM_ERRORS), "full")

    def test_unknown(self) -> None:
        """A condition that the RFC does not know is a mistake of ours."""
        self.assertRaises(ValueError, StreamError, "bad-luck")
