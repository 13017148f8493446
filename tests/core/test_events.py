"""What the core hands over to handlers."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.options import HostSettings
from xmppd.core.events import IQRequest
from xmppd.core.host import Host
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

JULIET = JID.parse("juliet@localhost/balcony")


class IQRequestTests(SynchronousTestCase):
    """`IQRequest`."""

    def request(self, content: bytes) -> IQRequest:
        """Make a request of Juliet to her account."""
        stanza = Stanza.parse(b"<iq type='get' id='1'>%b</iq>" % content)
        return IQRequest(
            stanza,
            JULIET,
            JULIET.with_resource(None),
            None,
            Host("capulet.lit", HostSettings(name="capulet.lit")),
        )

    def test_payload(self) -> None:
        """RFC 6120 8.2.3: the one child, whatever white space or text stands beside it."""
        for around in (b"%b", b"\n  %b\n", b"what? %b!", b"<![CDATA[<x/>]]>%b"):
            payload = self.request(around % b"<query xmlns='urn:q' a='1'><x/>text</query>").payload
            self.assertEqual((payload.name, payload.ns, payload.get("a")), ("query", "urn:q", "1"))
            self.assertEqual([child.name for child in payload.elements()], ["x"])

    def test_payload_in_the_content_namespace(self) -> None:
        """What declares no namespace is in that of the stream."""
        self.assertEqual(self.request(b"<query/>").payload.ns, "jabber:client")
