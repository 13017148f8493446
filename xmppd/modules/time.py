"""Entity time: XEP-0202."""

from datetime import UTC, datetime

from xmppd.config.kinds import INSIDE
from xmppd.core.events import IQRequest
from xmppd.core.module import XEP, Module, iq
from xmppd.stanza.element import Element

NS = "urn:xmpp:time"


class Time(Module):
    """Tells the time of this server, in UTC."""

    name = "time"
    summary = "Entity Time"
    xep = XEP(202, "2.0")
    for_hosts = INSIDE
    features = (NS,)

    @iq("get", NS, "time", to="host")
    def on_time(self, request: IQRequest) -> Element:
        """XEP-0202 2; the stamp follows XEP-0082."""
        stamp = datetime.fromtimestamp(self.api.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Element(
            "time",
            NS,
            children=[Element("tzo", NS, children=["+00:00"]), Element("utc", NS, children=[stamp])],
        )
