"""Builds the services of what entities are and can do."""

from xmppd.core.parts import CoreParts
from xmppd.services.discovery.capabilities import Capabilities
from xmppd.services.discovery.command_sessions import CommandSessions
from xmppd.services.discovery.disco import HostedServices


def add_services(parts: CoreParts) -> None:
    """Add capabilities, the sessions of commands, and which services a host has."""
    current, random_text = parts.current, parts.environment.random_text
    capabilities = Capabilities(
        parts.hosts,
        parts.router,
        random_text,
        lambda: current.limits.capabilities,
        lambda: current.limits.iq_timeout_s,
    )
    parts.services.add(capabilities, CommandSessions(parts.timers, random_text), HostedServices(parts.hosts))
