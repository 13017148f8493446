"""The parts of the core, put together: what every group of services is built on (see `xmppd.services.parts`)."""

from dataclasses import dataclass, field

from xmppd.core import events
from xmppd.core.directory import AccountDirectory
from xmppd.core.environment import CurrentConfiguration, Environment
from xmppd.core.host import Host, Hosts
from xmppd.core.lanes import Lanes
from xmppd.core.operations.running import Operations
from xmppd.core.registry import SessionRegistry
from xmppd.core.requests import PendingRequests
from xmppd.core.roles import Roles
from xmppd.core.router import Router
from xmppd.core.services import Services
from xmppd.core.session import Session
from xmppd.core.timers import Timers
from xmppd.core.turns import Turns
from xmppd.core.web import WebAddresses
from xmppd.storage.interface import Storage


@dataclass(frozen=True, slots=True)
class CoreParts:
    """What the groups of services are built on, and where each adds what it offers."""

    current: CurrentConfiguration
    environment: Environment
    storage: Storage
    timers: Timers
    turns: Turns
    lanes: Lanes
    hosts: Hosts
    registry: SessionRegistry
    router: Router
    directory: AccountDirectory
    web: WebAddresses
    services: Services = field(default_factory=Services)


def make_core(
    current: CurrentConfiguration,
    storage: Storage,
    environment: Environment,
    hosts: Hosts,
    directory: AccountDirectory,
) -> CoreParts:
    """Make the core of a server of these hosts; nothing runs yet."""
    timers = Timers(environment.clock, seconds=environment.steady)
    registry = SessionRegistry(lambda session, status: _tell_unbound(hosts, session, status))
    requests = PendingRequests(timers, lambda: current.limits.pending_iqs)
    router = Router(hosts, registry, directory, requests, storage)
    turns = Turns(timers)
    parts = CoreParts(
        current,
        environment,
        storage,
        timers,
        turns,
        Lanes(turns),
        hosts,
        registry,
        router,
        directory,
        WebAddresses(current),
    )
    parts.services.add(turns, parts.lanes, Operations(), Roles(current, hosts))
    return parts


def make_hosts(current: CurrentConfiguration) -> Hosts:
    """Give the domains of the configuration, hosts and components, each with its settings and no module."""
    hosts = Hosts()
    for settings in current.config.domains:
        hosts.add(Host(settings.name, settings, settings.kind))
    return hosts


def _tell_unbound(hosts: Hosts, session: Session, status: str | None) -> None:
    host = hosts.get(session.host)
    if host is not None:
        host.hooks.notify(events.RESOURCE_UNBOUND, events.Unbound(session, status))
