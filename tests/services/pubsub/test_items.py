"""Items as they are stored and shown."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.pubsub.items import payload_of
from xmppd.stanza.element import Element


class PayloadTests(SynchronousTestCase):
    """A payload declares its own namespace, whichever that is."""

    def test_any_namespace(self) -> None:
        """One that no parent's name is taken for is not left out, and that of none is said, too."""
        for ns in ("urn:x", "urn:example", "http://jabber.org/protocol/pubsub", ""):
            self.assertEqual(payload_of(Element("x", ns)), f"<x xmlns='{ns}'/>".encode())
