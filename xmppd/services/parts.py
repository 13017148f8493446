"""Builds the services of a server, group by group; a running server and the store of a stopped one use the same.

Each group has a ``parts.py`` whose `add_services` makes its services out of the core and of what earlier groups offer,
adds them to ``parts.services``, and subscribes to the end of accounts where it keeps something of theirs.
"""

from collections.abc import Callable

import xmppd.services.accounts.parts as accounts
import xmppd.services.archive.parts as archive
import xmppd.services.bytestreams.parts as bytestreams
import xmppd.services.components.parts as components
import xmppd.services.discovery.parts as discovery
import xmppd.services.federation.parts as federation
import xmppd.services.inbox.parts as inbox
import xmppd.services.invitations.parts as invitations
import xmppd.services.login.parts as login
import xmppd.services.presence.parts as presence
import xmppd.services.profile.parts as profile
import xmppd.services.pubsub.parts as pubsub
import xmppd.services.push.parts as push
import xmppd.services.reports.parts as reports
import xmppd.services.rooms.parts as rooms
import xmppd.services.roster.parts as roster
import xmppd.services.stream_management.parts as stream_management
import xmppd.services.uploads.parts as uploads
from xmppd.core.environment import CurrentConfiguration, Environment
from xmppd.core.parts import CoreParts, make_core, make_hosts
from xmppd.services.presence.blocking import Blocking
from xmppd.services.recipients import Recipients
from xmppd.storage.interface import Storage

GROUPS: tuple[Callable[[CoreParts], None], ...] = (
    roster.add_services,
    accounts.add_services,
    invitations.add_services,
    presence.add_services,
    archive.add_services,
    inbox.add_services,
    stream_management.add_services,
    profile.add_services,
    components.add_services,
    discovery.add_services,
    login.add_services,
    push.add_services,
    reports.add_services,
    rooms.add_services,
    federation.add_services,
    pubsub.add_services,
    uploads.add_services,
    bytestreams.add_services,
)
"""In an order in which each finds what it uses."""


def make_parts(current: CurrentConfiguration, storage: Storage, environment: Environment) -> CoreParts:
    """Make the core and all services; nothing runs yet, no module is loaded, nothing is read."""
    hosts = make_hosts(current)
    directory = accounts.make_accounts(storage, hosts, environment)
    parts = make_core(current, storage, environment, hosts, directory)
    parts.services.add(directory)
    for add_services in GROUPS:
        add_services(parts)
    services = parts.services
    services.add(Recipients(parts.registry, parts.router, parts.lanes, services[Blocking]))
    return parts
