"""Builds the service of relayed file transfers."""

from xmppd.core.parts import CoreParts
from xmppd.services.bytestreams.bytestreams import Bytestreams


def add_services(parts: CoreParts) -> None:
    """Add it; nothing is taken before a module serves."""
    parts.services.add(Bytestreams(parts.timers))
