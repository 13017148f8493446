"""The kinds of domain that a configuration can name; one of another server's is none of them."""

from enum import Enum
from typing import Final


class DomainKind(Enum):
    """What stands behind a domain name that is configured here."""

    ACCOUNTS = "accounts"
    """``[hosts."NAME"]``: a host with accounts, whose clients connect to it."""
    SERVICE = "service"
    """``[components."NAME"] module = …``: a service in this process, such as rooms."""
    COMPONENT = "component"
    """``[components."NAME"] secret = …``: a program that connects as the service (XEP-0114)."""


ACCOUNTS_ONLY: Final = frozenset((DomainKind.ACCOUNTS,))
SERVICES_ONLY: Final = frozenset((DomainKind.SERVICE,))
INSIDE: Final = frozenset((DomainKind.ACCOUNTS, DomainKind.SERVICE))
"""The domains whose stanzas this process answers itself, and into which modules are loaded."""
