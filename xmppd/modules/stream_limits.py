"""Stream limits advertised: XEP-0478. What a client may send at once, and how long it may be silent."""

from functools import lru_cache
from typing import Final

from xmppd.core.module import XEP, Module
from xmppd.core.session import ClientFeature
from xmppd.core.stream import Stream
from xmppd.stanza.element import Element, FixedElement
from xmppd.stream.features import StreamFeature, StreamState

NS: Final = "urn:xmpp:stream-limits:0"
OFFERS_KEPT: Final = 8
LAST: Final = -100


class StreamLimits(Module):
    """Says in the stream features what the limits are: other ones before authentication than after it (3.1, 4)."""

    name = "stream_limits"
    summary = "Stream Limits Advertisement"
    xep = XEP(478, "0.2.0", "client streams")

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """Give the feature, which nobody has to negotiate."""
        return (StreamFeature("limits", offer=self._offer, priority=LAST),)

    def _offer(self, stream: Stream) -> Element | None:
        settings = self.api.host.settings
        limits = settings.limits
        if settings.c2s.require_tls and not stream.state & (StreamState.SECURE | StreamState.AUTHENTICATED):
            return None  # where TLS must come first, nothing else is offered (RFC 6120 5.3.1)
        if stream.state & StreamState.AUTHENTICATED:
            return _limits(limits.stanza_bytes, int(limits.keepalive_s))
        return _limits(limits.unauthenticated_stanza_bytes, int(limits.unauthenticated_timeout_s))


@lru_cache(maxsize=OFFERS_KEPT)
def _limits(max_bytes: int, idle_s: int) -> FixedElement:
    children = [
        Element("max-bytes", NS, children=[str(max_bytes)]),
        Element("idle-seconds", NS, children=[str(idle_s)]),
    ]
    return FixedElement("limits", NS, children=children)
