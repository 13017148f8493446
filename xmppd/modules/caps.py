"""Entity capabilities of the server: XEP-0115, as a stream feature, so that clients need not ask disco anew.

The capabilities of clients are learnt by the module ``client_caps``.
"""

from typing import Annotated

from xmppd.config.fields import Field
from xmppd.core.host import LoadedModule
from xmppd.core.module import XEP, Module, Options, on
from xmppd.core.session import ClientFeature
from xmppd.services.discovery.capabilities import ClientInfo, verification_string
from xmppd.services.discovery.disco import NODE_INFO, Info, host_info
from xmppd.stanza.element import Element, FixedElement
from xmppd.stream.features import StreamFeature, StreamState

NS = "http://jabber.org/protocol/caps"
NODE = "urn:xmppd:server"
"""It names the program (4.2), and belongs to no domain of the Web."""


class CapsOptions(Options):
    """What names the program whose capabilities these are."""

    node: Annotated[str, Field(min_length=1, pattern="^[^#]*$")] = NODE
    """A URI of whoever gives this server to its users."""


class ServerCaps(Module):
    """Announces the hash of the server's disco#info, and answers disco for it."""

    name = "caps"
    summary = "Entity Capabilities (of the server)"
    xep = XEP(115, "1.6.0")
    features = (NS,)
    requires = ("disco",)
    options = CapsOptions
    opt: CapsOptions

    def start(self) -> None:
        """Nothing is known yet: the modules are still being loaded."""
        self._of: tuple[LoadedModule, ...] = ()
        self._element: Element = FixedElement("c", NS)

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """XEP-0115 6.3: after authentication, in the stream features."""
        return (
            StreamFeature(name="caps", needs=StreamState.AUTHENTICATED, offer=lambda stream: self._current()),
        )

    def _current(self) -> Element:
        """Give ``<c/>``, made anew only when modules have come or gone: it is needed at each login."""
        modules = tuple(self.api.host.modules.values())
        if modules != self._of:
            known = host_info(self.api.host)
            info = ClientInfo(tuple(known.identities), tuple(known.features), tuple(known.forms))
            attrs = {"hash": "sha-1", "node": self.opt.node, "ver": verification_string(info)}
            self._of, self._element = modules, FixedElement("c", NS, attrs)
        return self._element

    @on(NODE_INFO)
    def on_node_info(self, info: Info) -> bool | None:
        """XEP-0115 6.2: disco#info of ``node#ver`` is that of the host."""
        if info.target.localpart is not None or info.node != f"{self.opt.node}#{self._current().get('ver')}":
            return None
        known = host_info(info.host)
        info.identities, info.features, info.forms = known.identities, known.features, known.forms
        return True
