"""Builds the way to other servers."""

from xmppd.core.parts import CoreParts
from xmppd.services.federation.contacts import RemoteContacts
from xmppd.services.federation.federation import Federation
from xmppd.services.presence.presence import Presence


def add_services(parts: CoreParts) -> None:
    """Add federation; it does nothing before somebody gives it connections."""
    router, timers, environment = parts.router, parts.timers, parts.environment
    passes = parts.services[Presence].passes
    contacts = RemoteContacts(parts.registry, router, timers, parts.turns, environment.now, passes)
    federation = Federation(router, parts.hosts, timers, parts.current, environment, contacts)
    parts.services.add(contacts, federation)
