"""What a bound client may still ask about binding: RFC 6120 7.1, and the session of RFC 3921 3, which is nothing."""

from xmppd.core.events import IQRequest
from xmppd.core.module import Module, iq
from xmppd.stanza import ns
from xmppd.stanza.errors import StanzaError


class BindingModule(Module):
    """Binds nothing: that happens before stanzas are routed."""

    name = "binding"
    summary = "Resource binding (RFC 6120 7), the legacy session (RFC 3921 3)"

    @iq("set", ns.BIND, "bind", to=("host", "own"))
    def on_bind(self, request: IQRequest) -> None:
        """RFC 6120 7.1, 7.6.2.2: a stream has one resource."""
        raise StanzaError("not-allowed", "The stream has its resource")

    @iq("set", ns.SESSION, "session", to=("host", "own"))
    def on_session(self, request: IQRequest) -> None:
        """RFC 3921 3: an old client wants to hear that there is a session."""
