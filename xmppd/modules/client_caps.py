"""Entity capabilities of clients: XEP-0115 5.4 and 6, learnt from their presence and kept for who must know them."""

from xmppd.core.bounded import Bounded
from xmppd.core.module import XEP, Module, on
from xmppd.core.session import Session
from xmppd.services.discovery.capabilities import Capabilities, Caps
from xmppd.services.presence.presence import PRESENCE_CHANGED

NS = "http://jabber.org/protocol/caps"
TEXT_CHARS = 1_023
"""The longest node and ver that are looked at."""
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
        if session.presence is None or not session.presence.has("c", NS):
            return
        caps = self._announced(session)
        if caps is not None:
            self._capabilities.seen(session, caps)

    def _announced(self, session: Session) -> Caps | None:
        assert session.presence is not None
        content = session.presence.inner
        if content in self._seen:
            return self._seen[content]
        announced = session.presence.child("c", NS)
        caps = None
        if announced is not None:
            algorithm, node, ver = (announced.get(name) for name in ("hash", "node", "ver"))
            if node and ver and max(len(node), len(ver), len(algorithm or "")) <= TEXT_CHARS:
                caps = Caps(algorithm, node, ver)
        if len(content) <= SEEN_BYTES:
            self._seen.keep(content, caps)
        return caps
