"""Software version: XEP-0092."""

import platform

from xmppd import __version__
from xmppd.config.kinds import INSIDE
from xmppd.core.events import IQRequest
from xmppd.core.module import XEP, Module, Options, iq
from xmppd.stanza.element import Element

NS = "jabber:iq:version"


class VersionOptions(Options):
    """What is told; an operator may hide the operating system."""

    show_os: bool = False
    """Whether the operating system is told."""


class Version(Module):
    """Tells name and version of this server."""

    name = "version"
    summary = "Software Version"
    xep = XEP(92, "1.1")
    for_hosts = INSIDE
    features = (NS,)
    options = VersionOptions
    opt: VersionOptions

    @iq("get", NS, "query", to="host")
    def on_version(self, request: IQRequest) -> Element:
        """XEP-0092 2: name and version, and the operating system where the operator allows it."""
        told = [("name", "xmppd"), ("version", __version__)]
        if self.opt.show_os:
            told.append(("os", platform.system()))
        return Element("query", NS, children=[Element(name, NS, children=[value]) for name, value in told])
