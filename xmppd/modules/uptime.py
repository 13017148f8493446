"""How long the server runs: XEP-0012, asked of a served domain."""

from xmppd.config.kinds import INSIDE
from xmppd.core.events import IQRequest
from xmppd.core.module import XEP, Module, iq
from xmppd.stanza.element import Element

NS = "jabber:iq:last"


class Uptime(Module):
    """Tells the seconds since this host was started."""

    name = "uptime"
    summary = "Last Activity (of the server: its uptime)"
    xep = XEP(12, "2.0")
    for_hosts = INSIDE
    features = (NS,)

    def start(self) -> None:
        """Remember when."""
        self._started_at = self.api.now()

    @iq("get", NS, "query", to="host")
    def on_last(self, request: IQRequest) -> Element:
        """XEP-0012 6: server query."""
        return Element("query", NS, {"seconds": str(int(self.api.now() - self._started_at))})
