"""Makes ``twistd xmppd`` known to twistd."""

from twisted.application.service import ServiceMaker

xmppd = ServiceMaker("xmppd", "xmppd.tap", "An XMPP server", "xmppd")
