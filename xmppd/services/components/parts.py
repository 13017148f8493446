"""Builds the services of this group."""

from xmppd.core.parts import CoreParts
from xmppd.services.components.components import Components


def add_services(parts: CoreParts) -> None:
    """Make them."""
    parts.services.add(Components(parts.hosts, parts.router, parts.storage, parts.timers, parts.environment))
