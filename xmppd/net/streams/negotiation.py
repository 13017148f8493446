"""The features of every client stream besides SASL: STARTTLS, resource binding, the legacy session (RFC 6120 5, 7)."""

from xmppd.net.streams.client_stream import ClientStream
from xmppd.stanza import ns
from xmppd.stanza.element import Element, FixedElement
from xmppd.stream.features import StreamFeature, StreamState

MAY_START_TLS = FixedElement("starttls", ns.TLS)
MUST_START_TLS = FixedElement("starttls", ns.TLS, children=[Element("required", ns.TLS)])
PROCEED = FixedElement("proceed", ns.TLS)
MAY_BIND = FixedElement("bind", ns.BIND)
MAY_START_SESSION = FixedElement("session", ns.SESSION, children=[Element("optional", ns.SESSION)])


def _offer_starttls(stream: ClientStream) -> Element | None:
    if not stream.link.can_start_tls:
        return None
    return MUST_START_TLS if stream.host is not None and is_tls_required(stream) else MAY_START_TLS


def is_tls_required(stream: ClientStream) -> bool:
    """Whether this stream must be under TLS before anyone may authenticate."""
    return stream.host is None or stream.host.settings.c2s.require_tls


def _start_tls(stream: ClientStream, element: Element) -> None:
    """RFC 6120 5.4: proceed and begin TLS; where that cannot be, failure and the end of the stream (5.4.2.2)."""
    host = stream.host
    if host is None or not stream.link.can_start_tls:
        stream.session.send(Element("failure", ns.TLS))
        stream.session.close(None)
        return
    stream.session.send(PROCEED)
    stream.link.start_tls(host.name)
    stream.state |= STARTTLS.sets
    stream.session.is_secure = True
    stream.exchange = None
    stream.restart()


STARTTLS = StreamFeature(
    name="starttls",
    forbids=StreamState.SECURE | StreamState.AUTHENTICATED | StreamState.AUTHENTICATING,
    sets=StreamState.SECURE,
    offer=_offer_starttls,
    handles={(ns.TLS, "starttls"): _start_tls},
    priority=100,
)
BIND = StreamFeature(
    name="bind",
    needs=StreamState.AUTHENTICATED,
    forbids=StreamState.BOUND,
    sets=StreamState.BOUND,
    offer=lambda stream: MAY_BIND,
    priority=80,
)
LEGACY_SESSION = StreamFeature(
    name="session",
    needs=StreamState.AUTHENTICATED,
    forbids=StreamState.BOUND,
    offer=lambda stream: MAY_START_SESSION,
    priority=70,
)
"""RFC 3921 3: old clients ask for it after binding; it does nothing."""
