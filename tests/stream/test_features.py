"""Stream features as data (RFC 6120 4.3): what is offered and who handles an element falls out of the records."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.streams.negotiation import BIND, LEGACY_SESSION, STARTTLS
from xmppd.net.streams.sasl import CHANNEL_BINDING, SASL
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stream.features import StreamFeature, StreamState, handler_of, offered

CLIENT = (STARTTLS, SASL, CHANNEL_BINDING, BIND, LEGACY_SESSION)
OPEN_IN = {
    StreamState.NONE: {"starttls", "sasl", "sasl-channel-binding"},
    StreamState.SECURE: {"sasl", "sasl-channel-binding"},
    StreamState.SECURE | StreamState.AUTHENTICATED: {"bind", "session"},
    StreamState.AUTHENTICATED: {"bind", "session"},
    StreamState.SECURE | StreamState.AUTHENTICATED | StreamState.BOUND: set(),
}
"""RFC 6120 5.3.1, 6.3.1, 7.3: the order STARTTLS, SASL, binding."""


def _feature(name: str, **changes: Any) -> StreamFeature:
    return StreamFeature(name=name, offer=lambda stream: Element(name, "urn:x"), **changes)


class FeatureTests(SynchronousTestCase):
    """`StreamFeature`, `offered` and `handler_of`."""

    def test_features_of_a_client_stream_by_state(self) -> None:
        """Each state of a client stream has its features, and no others."""
        for state, names in OPEN_IN.items():
            self.assertEqual({feature.name for feature in CLIENT if feature.is_open_in(state)}, names, state)

    def test_order_by_priority(self) -> None:
        """Higher priorities are offered first."""
        features = (_feature("low", priority=1), _feature("high", priority=9))
        self.assertEqual([element.name for element in offered(features, 0, None)], ["high", "low"])

    def test_a_feature_may_have_nothing_to_offer(self) -> None:
        """None is left out."""
        self.assertEqual(offered((StreamFeature(name="silent"),), 0, None), [])

    def test_handler_only_in_the_right_state(self) -> None:
        """An element is handled in the states in which its feature is open: no SASL once authenticated (6.4.6)."""
        self.assertIsNotNone(handler_of(CLIENT, StreamState.SECURE, ns.SASL, "auth"))
        self.assertIsNone(handler_of(CLIENT, StreamState.AUTHENTICATED, ns.SASL, "auth"))
        self.assertIsNone(handler_of(CLIENT, StreamState.SECURE, ns.TLS, "starttls"))
        self.assertIsNone(handler_of(CLIENT, StreamState.SECURE, "urn:unknown", "auth"))
