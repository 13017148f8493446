"""Builds the services of what an account keeps and tells of itself."""

from xmppd.core.parts import CoreParts
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.profile.last_activity import LastActivity
from xmppd.services.profile.private_data import PrivateData
from xmppd.services.profile.vcards import VCards


def add_services(parts: CoreParts) -> None:
    """Add vCards, private XML and last activity; they read the store each time, so nothing is left of who is gone."""
    storage, hosts, services = parts.storage, parts.hosts, parts.services
    services.add(
        VCards(storage, hosts),
        PrivateData(storage, hosts),
        LastActivity(storage, parts.registry, services[Accounts], parts.environment.now),
    )
