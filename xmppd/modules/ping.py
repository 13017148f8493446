"""XMPP Ping: XEP-0199, of the server and on behalf of accounts."""

from xmppd.config.kinds import INSIDE
from xmppd.core.events import IQRequest
from xmppd.core.module import XEP, Module, iq

NS = "urn:xmpp:ping"


class Ping(Module):
    """Answers pings with an empty result."""

    name = "ping"
    summary = "XMPP Ping"
    xep = XEP(199, "2.0.1")
    for_hosts = INSIDE
    features = (NS,)
    account_features = (NS,)

    @iq("get", NS, "ping", to=("host", "own"))
    def on_ping(self, request: IQRequest) -> None:
        """XEP-0199 4.2: client to server."""
