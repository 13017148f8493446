"""Builds the service of the accounts' inboxes."""

from xmppd.core.parts import CoreParts
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.inbox.inbox import Inbox


def add_services(parts: CoreParts) -> None:
    """Add the inboxes."""
    environment = parts.environment
    inbox = Inbox(
        parts.hosts,
        parts.registry,
        parts.router,
        parts.directory,
        parts.storage,
        parts.timers,
        environment.now,
        environment.random_text,
    )
    parts.services[Accounts].subscribe(AccountEvent.REMOVED, inbox.let_go)
    parts.services.add(inbox)
