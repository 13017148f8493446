"""Entity capabilities of clients: XEP-0115 5.4 and 6, learnt from their presence and kept for who must know them."""

from xmppd.core.bounded import Bounded
from xmppd.core.module import XEP, Module, on
from xmppd.core.session import Session
from xmppd.services.discovery.capabilities import NS_CAPS, Capabilities, Caps, announced
from xmppd.services.presence.presence import PRESENCE_CHANGED

MAX_SEEN = 1_000
SEEN_BYTES = 2_048
"""So many contents of presence stanzas are remembered, up to this size: nearly all clients of a kind send the same."""


class ClientCaps(Module):
    """Learns what the host's clients can do."""

    name = "client_caps"
    summary = "Entity Capabilities (of clients)"
    xep = XEP(115, "1.6.0")
    uses = (Capabilities,)

    def start(self) -> None:
        """Find the service."""
        self._capabilities = self.api.services[Capabilities]
        self._seen: Bounded[bytes, Caps | None] = Bounded(MAX_SEEN)

    @on(PRESENCE_CHANGED)
    def on_presence(self, session: Session) -> None:
        """XEP-0115 6.1: what a client announces; the client is not kept waiting."""
        if session.presence is None or not session.presence.has("c", NS_CAPS):
            return
        caps = self._announced(session)
        if caps is not None:
            self._capabilities.seen(session, caps)

    def _announced(self, session: Session) -> Caps | None:
        assert session.presence is not None
        content = session.presence.inner
        if content in self._seen:
            return self._seen[content]
        caps = announced(session.presence)
        if len(content) <= SEEN_BYTES:
            self._seen.keep(content, caps)
        return caps
