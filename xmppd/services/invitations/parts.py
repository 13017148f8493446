"""Builds the service of invitations."""

from xmppd.core.parts import CoreParts
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.accounts.sessions import AccountSessions
from xmppd.services.invitations.introducing import Introducing
from xmppd.services.invitations.invitations import Invitations
from xmppd.services.invitations.landing import LandingPages
from xmppd.services.invitations.upkeep import InvitationUpkeep
from xmppd.services.roster.placing import Placing
from xmppd.services.roster.subscriptions import Subscriptions


def add_services(parts: CoreParts) -> None:
    """Add the invitations. They go with the account that they belong to: its data hold what makes them good."""
    services = parts.services
    introducing = Introducing(parts.storage, parts.directory, services[Placing], services[Subscriptions])
    invitations = Invitations(
        parts.storage, parts.environment, services[Accounts], services[AccountSessions], introducing
    )
    services.add(
        invitations,
        InvitationUpkeep(invitations, introducing, parts.hosts, parts.timers),
        LandingPages(parts.web, parts.hosts),
    )
