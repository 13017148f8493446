"""Builds the service of rooms."""

from xmppd.core.parts import CoreParts
from xmppd.services.rooms.rooms import Rooms


def add_services(parts: CoreParts) -> None:
    """Add the rooms; none is loaded before somebody asks for it."""
    environment = parts.environment
    parts.services.add(Rooms(parts.storage, environment.now, environment.random_text))
