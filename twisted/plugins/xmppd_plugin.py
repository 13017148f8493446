"""Makes ``twistd xmppd`` and ``--reactor xmppd`` known to Twisted."""

from twisted.application.reactors import Reactor
from twisted.application.service import ServiceMaker

xmppd = ServiceMaker("xmppd", "xmppd.tap", "An XMPP server", "xmppd")
reactor = Reactor(
    "xmppd",
    "xmppd.net.transport.reactor",
    "xmppd's own epoll loop; the default reactor where there is no epoll.",
)
