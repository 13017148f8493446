"""Builds the services of publish–subscribe and personal eventing."""

from xmppd.core.ids import Ids
from xmppd.core.parts import CoreParts
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.discovery.capabilities import Capabilities
from xmppd.services.presence.blocking import Blocking
from xmppd.services.pubsub.last_items import LastItems
from xmppd.services.pubsub.nodes import Nodes
from xmppd.services.pubsub.notices import Notices
from xmppd.services.pubsub.operations import Tools
from xmppd.services.pubsub.owning import Owning
from xmppd.services.pubsub.personal import Personal
from xmppd.services.pubsub.publishing import Publishing
from xmppd.services.pubsub.reading import Reading
from xmppd.services.pubsub.remote import RemoteContacts
from xmppd.services.pubsub.subscribing import Subscribing
from xmppd.services.recipients import Recipients
from xmppd.services.roster.roster import Rosters


def add_services(parts: CoreParts) -> None:
    """Add nodes, what is done with them, and accounts as places that have nodes."""
    services, environment = parts.services, parts.environment
    accounts, rosters, blocking = services[Accounts], services[Rosters], services[Blocking]
    nodes = Nodes(parts.storage)
    accounts.subscribe(AccountEvent.REMOVED, nodes.let_go)
    remote = RemoteContacts(parts.router, rosters, services[Capabilities])
    accounts.subscribe(AccountEvent.REMOVED, remote.let_go)
    personal = Personal(
        parts.hosts,
        parts.registry,
        parts.directory,
        rosters,
        blocking,
        services[Capabilities],
        remote,
        environment.now,
    )
    recipients = Recipients(parts.registry, parts.router, parts.lanes, blocking)
    notices = Notices(recipients, parts.registry, blocking, parts.lanes, parts.timers)
    tools = Tools(nodes, parts.storage, notices, environment.now, Ids(environment.random_text).next)
    reading = Reading(tools)
    last_items = LastItems(personal, nodes, reading, parts.registry, parts.router, parts.timers)
    remote.learnt.append(last_items.learnt_elsewhere)
    services.add(
        nodes,
        remote,
        personal,
        reading,
        Publishing(tools),
        Owning(tools),
        Subscribing(tools),
        last_items,
    )
