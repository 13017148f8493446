"""Bidirectional streams (XEP-0288 1.0.1): one connection for both directions.

Asked for by this server where the other end has shown a certificate for its domain, and taken where the stream is under
TLS, if that is needed; before authentication. What may be sent back is what was proved, the other way round, of the one
pair that the stream was begun for; several pairs would share the counts of XEP-0198. Not covered: dialback by who
accepted the stream (section 2.2, "MAY").

It is ready for use once the peer has shown by its first stanza, or by ``<enable/>`` or ``<resume/>``, that the
negotiation is over. The id of XEP-0198 names the counts of both directions. So what a broken stream has left of what
went back is resumed by whichever comes first: another stream of the peer's, with what it has got in ``<resume h=''/>``,
or one of our own, on which we resume that id ourselves. Where we do not reach the peer, and it has begun anew, what may
have arrived is sent again.
"""

from typing import Final, Protocol

from xmppd.core.stream import Stream
from xmppd.net.streams.s2s.carrying import CarryingStream, PairCarrier
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.services.federation.outbound import Sender
from xmppd.services.federation.sent import SentItems
from xmppd.stanza.element import Element
from xmppd.stream.features import StreamFeature, StreamKind, StreamState

NS: Final = "urn:xmpp:bidi"
NS_FEATURE: Final = "urn:xmpp:features:bidi"
FEATURE: Final = Element("bidi", NS_FEATURE)
BIDI: Final = Element("bidi", NS)


class Bidirectional(Stream, Protocol):
    """A stream of another server that may be used both ways."""

    parts: S2SParts
    is_bidi: bool

    @property
    def is_tls_required(self) -> bool:
        """Whether TLS must come first."""


def _may(stream: Bidirectional) -> bool:
    is_ready = bool(stream.state & StreamState.SECURE) or not stream.is_tls_required
    return is_ready and stream.parts.settings().bidirectional


def _offer(stream: Bidirectional) -> Element | None:
    return FEATURE if _may(stream) and not stream.is_bidi else None


def _enable(stream: Bidirectional, element: Element) -> None:
    stream.is_bidi = stream.is_bidi or _may(stream)


TWO_WAYS: StreamFeature[Bidirectional] = StreamFeature(
    name="bidi",
    kinds=StreamKind.S2S,
    forbids=StreamState.AUTHENTICATED,
    offer=_offer,
    handles={(NS, "bidi"): _enable},
    priority=95,
)


class Returning(CarryingStream, Protocol):
    """The stream of a way back."""

    def carry_no_more(self) -> None:
        """Its pair has nothing to send."""


class WayBack(PairCarrier):
    """The way back of a stream that another server has begun, for the pair that has taken it."""

    def __init__(self, stream: Returning, sender: Sender, numbered: SentItems | None):
        """*numbered* where the peer acknowledges."""
        super().__init__(stream, sender)
        self._returning = stream
        self.numbered = numbered

    def close(self) -> None:
        """The pair has nothing to send; the stream is the peer's, and stays."""
        self.stop()
        self._returning.carry_no_more()
