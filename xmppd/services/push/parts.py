"""Builds the service of push notifications."""

from xmppd.core.parts import CoreParts
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.login.clients import Clients
from xmppd.services.push.push import Push


def add_services(parts: CoreParts) -> None:
    """Add push; a client that is revoked loses its registrations."""
    services = parts.services
    push = Push(
        parts.registry,
        parts.router,
        parts.directory,
        parts.storage,
        parts.timers,
        parts.environment.random_text,
        parts.environment.node,
    )
    services[Accounts].subscribe(AccountEvent.REMOVED, push.let_go)
    services[Clients].listeners.append(push.client_revoked)
    services.add(push)
