"""Builds the services of rosters and subscriptions."""

from xmppd.core.parts import CoreParts
from xmppd.services.roster.placing import Placing
from xmppd.services.roster.roster import Rosters
from xmppd.services.roster.subscriptions import Subscriptions


def add_services(parts: CoreParts) -> None:
    """Add the rosters and their subscriptions. A roster goes with its account's data (`Rosters.leave`)."""
    hosts, registry, router = parts.hosts, parts.registry, parts.router
    rosters = Rosters(parts.storage, hosts, registry, router, parts.timers)
    parts.services.add(
        rosters, Placing(rosters), Subscriptions(rosters, hosts, registry, router, parts.directory)
    )
