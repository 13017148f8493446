"""Builds the services of what entities are and can do."""

from xmppd.core.parts import CoreParts
from xmppd.services.components.components import Components
from xmppd.services.discovery.capabilities import Capabilities
from xmppd.services.discovery.command_sessions import CommandSessions
from xmppd.services.discovery.disco import HostedServices


def add_services(parts: CoreParts) -> None:
    """Add capabilities, the sessions of commands, and which services a host has."""
    current, own_id = parts.current, parts.environment.own_id
    capabilities = Capabilities(
        parts.hosts,
        parts.router,
        own_id,
        lambda: current.limits.capabilities,
        lambda: current.limits.iq_timeout_s,
    )
    parts.services.add(
        capabilities,
        CommandSessions(parts.timers, own_id),
        HostedServices(parts.hosts, parts.services[Components].is_connected),
    )
