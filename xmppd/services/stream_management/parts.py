"""Builds the service of acknowledgements and resumption."""

from xmppd.core.parts import CoreParts
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.stream_management.service import StreamManagement


def add_services(parts: CoreParts) -> None:
    """Add stream management; what an account's sessions leave goes with the account's data."""
    services, environment = parts.services, parts.environment
    management = StreamManagement(
        parts.registry,
        parts.directory,
        services[Inbox],
        parts.storage,
        parts.timers,
        parts.turns,
        lambda: parts.current.limits.hibernating_bytes,
        environment.now,
        environment.random_text,
    )
    services.add(management)
