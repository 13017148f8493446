"""Builds the service of messages that wait for an account."""

from xmppd.core.parts import CoreParts
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.offline.offline import Offline


def add_services(parts: CoreParts) -> None:
    """Add the offline messages."""
    environment = parts.environment
    offline = Offline(
        parts.hosts, parts.registry, parts.storage, parts.timers, environment.now, environment.random_text
    )
    parts.services[Accounts].subscribe(AccountEvent.REMOVED, offline.let_go)
    parts.services.add(offline)
