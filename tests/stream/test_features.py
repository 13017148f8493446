"""Stream features as data (RFC 6120 4.3): what is offered and who handles an element falls out of the records."""

from typing import Any, Never

from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.streams.negotiation import BIND, LEGACY_SESSION, STARTTLS
from xmppd.net.streams.sasl import CHANNEL_BINDING, SASL
from xmppd.net.streams.sasl2 import SASL2, SASL2_EXCHANGE
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stream.features import AnyFeature, StreamFeature, StreamKind, StreamState, handler_of, offered

CLIENT: tuple[AnyFeature, ...] = (STARTTLS, SASL, CHANNEL_BINDING, BIND, LEGACY_SESSION)
C2S, S2S = StreamKind.C2S, StreamKind.S2S
OPEN_IN = {
    StreamState.NONE: {"starttls", "sasl", "sasl-channel-binding"},
    StreamState.SECURE: {"sasl", "sasl-channel-binding"},
    StreamState.SECURE | StreamState.AUTHENTICATED: {"bind", "session"},
    StreamState.AUTHENTICATED: {"bind", "session"},
    StreamState.SECURE | StreamState.AUTHENTICATED | StreamState.BOUND: set(),
}
"""RFC 6120 5.3.1, 6.3.1, 7.3: the order STARTTLS, SASL, binding."""


def _feature(name: str, **changes: Any) -> StreamFeature[object]:
    return StreamFeature(name=name, offer=lambda stream: Element(name, "urn:x"), **changes)


def _names(features: tuple[StreamFeature[object], ...], kind: int) -> list[str]:
    return [element.name for element in offered(features, kind, StreamState.NONE, None)]


class FeatureTests(SynchronousTestCase):
    """`StreamFeature`, `offered` and `handler_of`."""

    def test_features_of_a_client_stream_by_state(self) -> None:
        """Each state of a client stream has its features, and no others."""
        for state, names in OPEN_IN.items():
            self.assertEqual({feature.name for feature in CLIENT if feature.is_open_in(state)}, names, state)

    def test_order_by_priority(self) -> None:
        """Higher priorities are offered first."""
        features = (_feature("low", priority=1), _feature("high", priority=9))
        self.assertEqual(_names(features, C2S), ["high", "low"])

    def test_a_feature_may_have_nothing_to_offer(self) -> None:
        """None is left out."""
        silent: StreamFeature[object] = StreamFeature(name="silent")
        self.assertEqual(_names((silent,), C2S), [])

    def test_each_stream_is_asked(self) -> None:
        """What is open in a state is known from one stream to the next; what a feature looks like is its stream's."""

        def offer(stream: str | None) -> Element | None:
            return None if stream is None else Element(stream, "urn:x")

        changing: StreamFeature[str | None] = StreamFeature(name="x", offer=offer, forbids=StreamState.BOUND)
        states = (StreamState.NONE, StreamState.BOUND) * 2
        shown = [
            [element.name for element in offered((changing,), C2S, state, stream)]
            for stream in ("one", None, "other")
            for state in states
        ]
        self.assertEqual(shown, [["one"], [], ["one"], [], *[[]] * 4, ["other"], [], ["other"], []])

    def test_a_feature_is_itself_alone(self) -> None:
        """Another one that looks the same is another: a module that was loaded anew offers its own."""
        one, other = _feature("x"), _feature("x")
        self.assertNotEqual(one, other)
        self.assertEqual(offered((other,), C2S, StreamState.NONE, None), [Element("x", "urn:x")])

    def test_handler_only_in_the_right_state(self) -> None:
        """An element is handled in the states in which its feature is open: no SASL once authenticated (6.4.6)."""

        def found(kind: int, state: int, namespace: str, name: str) -> bool:
            features: tuple[StreamFeature[Never], ...] = CLIENT
            return handler_of(features, kind, state, namespace, name) is not None

        self.assertTrue(found(C2S, StreamState.SECURE, ns.SASL, "auth"))
        self.assertFalse(found(C2S, StreamState.AUTHENTICATED, ns.SASL, "auth"))
        self.assertFalse(found(C2S, StreamState.SECURE, ns.TLS, "starttls"))
        self.assertFalse(found(C2S, StreamState.SECURE, "urn:unknown", "auth"))
        self.assertFalse(found(S2S, StreamState.SECURE, ns.SASL, "auth"))
        self.assertTrue(found(S2S, StreamState.NONE, ns.TLS, "starttls"))

    def test_features_are_for_kinds_of_streams(self) -> None:
        """What is for clients is neither offered to servers nor to components."""
        features = (_feature("client"), _feature("both", kinds=C2S | S2S), _feature("server", kinds=S2S))
        self.assertEqual(_names(features, C2S), ["client", "both"])
        self.assertEqual(_names(features, S2S), ["both", "server"])
        self.assertEqual(_names(features, StreamKind.COMPONENT), [])

    def test_what_is_reached(self) -> None:
        """A negotiated feature sets what its record says; SASL2 is under way before it is done (XEP-0388 2.4)."""
        state = STARTTLS.after(StreamState.NONE)
        begun = SASL2.after(state)
        self.assertEqual(begun, StreamState.SECURE | StreamState.AUTHENTICATING)
        self.assertEqual(SASL2.without(begun), state)
        done = SASL2_EXCHANGE.after(begun)
        self.assertEqual(done, StreamState.SECURE | StreamState.AUTHENTICATED)
        self.assertEqual(BIND.after(done), done | StreamState.BOUND)
