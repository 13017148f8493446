"""Stream features besides SASL: STARTTLS, resource binding, the legacy session (RFC 6120 5, 7; RFC 3921 3)."""

from typing import Protocol

from xmppd.core.session import CloseReason, SessionStream
from xmppd.core.stream import Stream
from xmppd.stanza import ns
from xmppd.stanza.element import Element, FixedElement
from xmppd.stream.features import StreamFeature, StreamKind, StreamState

MAY_START_TLS = FixedElement("starttls", ns.TLS)
MUST_START_TLS = FixedElement("starttls", ns.TLS, children=[Element("required", ns.TLS)])
PROCEED = FixedElement("proceed", ns.TLS)
MAY_BIND = FixedElement("bind", ns.BIND)
MAY_START_SESSION = FixedElement("session", ns.SESSION, children=[Element("optional", ns.SESSION)])


class Securable(Stream, Protocol):
    """A stream that can begin TLS."""

    @property
    def can_start_tls(self) -> bool:
        """Whether STARTTLS is possible and has not happened."""

    @property
    def is_tls_required(self) -> bool:
        """Whether nobody may authenticate before it has."""

    def start_tls(self) -> None:
        """Begin TLS; what has been negotiated without it is void."""

    def restart(self) -> None:
        """Expect a new header (RFC 6120 4.3.3)."""

    def close(self, x: CloseReason = None) -> None:
        """End the stream."""


def _offer_starttls(stream: Securable) -> Element | None:
    if not stream.can_start_tls:
        return None
    return MUST_START_TLS if stream.is_tls_required else MAY_START_TLS


def _start_tls(stream: Securable, element: Element) -> None:
    """RFC 6120 5.4: proceed and begin TLS; where that cannot be, failure and the end of the stream (5.4.2.2)."""
    if not stream.can_start_tls:
        stream.send(Element("failure", ns.TLS))
        stream.close(None)
        return
    stream.send(PROCEED)
    stream.start_tls()
    stream.negotiated(STARTTLS)
    stream.restart()


STARTTLS: StreamFeature[Securable] = StreamFeature(
    name="starttls",
    kinds=StreamKind.C2S | StreamKind.S2S,
    forbids=StreamState.SECURE | StreamState.AUTHENTICATED | StreamState.AUTHENTICATING,
    sets=StreamState.SECURE,
    offer=_offer_starttls,
    handles={(ns.TLS, "starttls"): _start_tls},
    priority=100,
)
BIND: StreamFeature[SessionStream] = StreamFeature(
    name="bind",
    needs=StreamState.AUTHENTICATED,
    forbids=StreamState.BOUND,
    sets=StreamState.BOUND,
    offer=lambda stream: MAY_BIND,
    priority=80,
)
LEGACY_SESSION: StreamFeature[SessionStream] = StreamFeature(
    name="session",
    needs=StreamState.AUTHENTICATED,
    forbids=StreamState.BOUND,
    offer=lambda stream: MAY_START_SESSION,
    priority=70,
)
"""RFC 3921 3: old clients ask for it after binding; it does nothing."""
