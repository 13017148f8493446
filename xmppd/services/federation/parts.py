"""Builds the way to other servers."""

from xmppd.core.parts import CoreParts
from xmppd.services.federation.federation import Federation


def add_services(parts: CoreParts) -> None:
    """Add federation; it does nothing before somebody gives it connections."""
    parts.services.add(Federation(parts.router, parts.hosts, parts.timers, parts.current, parts.environment))
