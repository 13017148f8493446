"""How a stream's opening looks on the wire, by kind of stream: RFC 6120 4.7, XEP-0114, XEP-0220 2.1.1."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza import ns
from xmppd.stream.events import StreamOpened
from xmppd.stream.framer import Framer
from xmppd.stream.framing import TCPFraming, qualified
from xmppd.stream.limits import PRE_AUTH


def read(header: bytes, content_ns: str) -> StreamOpened:
    """What a peer makes of a header."""
    [event] = Framer(PRE_AUTH, content_ns=content_ns).feed(header)
    assert isinstance(event, StreamOpened), event
    return event


class FramingTests(SynchronousTestCase):
    """`TCPFraming`."""

    def test_a_client_stream(self) -> None:
        """The response has an id, a version and a language."""
        opening = TCPFraming().opening("i1", "localhost", "a@localhost", "en-GB")
        attrs = {"version": "1.0", "id": "i1", "from": "localhost", "to": "a@localhost", "xml:lang": "en-GB"}
        self.assertEqual(read(opening, ns.CLIENT), StreamOpened(attrs, ns.CLIENT, ns.STREAMS, "stream"))
        self.assertNotIn(b"xmlns:db", opening)

    def test_a_server_stream(self) -> None:
        """It declares the prefix of dialback; an initial header has no id (RFC 6120 4.7.3), and no language: senders of

        stanzas that name none have not said that they write English (4.7.4).
        """
        opening = TCPFraming(ns.SERVER).opening("", "a.example", "b.example", None)
        attrs = {"version": "1.0", "from": "a.example", "to": "b.example"}
        self.assertEqual(read(opening, ns.SERVER), StreamOpened(attrs, ns.SERVER, ns.STREAMS, "stream"))
        self.assertIn(b"xmlns:db='jabber:server:dialback'", opening)

    def test_a_component_stream(self) -> None:
        """XEP-0114 3: no version, since that would promise stream features."""
        opening = TCPFraming(ns.COMPONENT).opening("i1", "gateway.localhost", None, "de")
        attrs = {"id": "i1", "from": "gateway.localhost"}
        self.assertEqual(read(opening, ns.COMPONENT), StreamOpened(attrs, ns.COMPONENT, ns.STREAMS, "stream"))

    def test_values_are_escaped(self) -> None:
        """What a peer has sent cannot break out of an attribute."""
        opening = TCPFraming(ns.SERVER).opening("'<&", "a.example", None, None)
        self.assertEqual(read(opening, ns.SERVER).attrs["id"], "'<&")


class QualifiedTests(SynchronousTestCase):
    """`qualified`."""

    def test_stanzas_and_others(self) -> None:
        """Stanzas get the content namespace; what is no stanza declares its own."""
        table = (
            (b"<message/>", b"<message xmlns='jabber:client'/>"),
            (b"<iq type='get'>", b"<iq xmlns='jabber:client' type='get'>"),
            (b"<presence><show/></presence>", b"<presence xmlns='jabber:client'><show/></presence>"),
            (b"<presences/>", b"<presences/>"),
            (b"<a xmlns='urn:xmpp:sm:3' h='1'/>", b"<a xmlns='urn:xmpp:sm:3' h='1'/>"),
            (b"<proceed xmlns='x'/>", b"<proceed xmlns='x'/>"),
        )
        for given, wanted in table:
            self.assertEqual(qualified(given), wanted)
