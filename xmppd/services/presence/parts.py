"""Builds the services of who is shown to whom."""

from xmppd.core.parts import CoreParts
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.presence.blocking import Blocking
from xmppd.services.presence.presence import Presence
from xmppd.services.roster.roster import Rosters


def add_services(parts: CoreParts) -> None:
    """Add presence and block lists."""
    services, hosts, registry, router, timers = (
        parts.services,
        parts.hosts,
        parts.registry,
        parts.router,
        parts.timers,
    )
    presence = Presence(hosts, registry, services[Rosters], router, parts.turns, parts.environment.now)
    blocking = Blocking(parts.storage, hosts, registry, router, presence, timers, parts.turns)
    services[Accounts].subscribe(AccountEvent.REMOVED, blocking.let_go)
    services.add(presence, blocking)
