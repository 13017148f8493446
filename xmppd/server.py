"""Puts a server together: every part is made here, once, and handed what it uses.

`tap` wraps a server into a process; tests build one in memory, with their own clock, storage and randomness. Nothing
else imports this file.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

import xmppd.modules
from xmppd.config.model import Config
from xmppd.core import events
from xmppd.core.host import Host, Hosts
from xmppd.core.ids import Ids
from xmppd.core.loader import Loader, ModuleError, find_modules
from xmppd.core.module import Module, ModuleAPI, Services
from xmppd.core.registry import SessionRegistry
from xmppd.core.requests import PendingRequests
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.timers import Timers
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.c2s import TLS, C2SFactory
from xmppd.net.streams.negotiation import BIND, LEGACY_SESSION, STARTTLS
from xmppd.net.streams.sasl import CHANNEL_BINDING, SASL
from xmppd.net.streams.sasl2 import SASL2, SASL2_EXCHANGE
from xmppd.net.streams.services import StreamServices
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.accounts.removal import Removal
from xmppd.services.accounts.sessions import AccountSessions
from xmppd.services.archive.archive import Archive
from xmppd.services.archive.retractions import Retractions
from xmppd.services.archive.search import ArchiveSearch
from xmppd.services.discovery.capabilities import Capabilities
from xmppd.services.discovery.command_sessions import CommandSessions
from xmppd.services.login.authentication import Authentication
from xmppd.services.login.binding import Binding
from xmppd.services.login.clients import Clients
from xmppd.services.login.fast import Fast
from xmppd.services.login.throttle import Throttle
from xmppd.services.offline.offline import Offline
from xmppd.services.presence.blocking import Blocking
from xmppd.services.presence.presence import Presence
from xmppd.services.profile.last_activity import LastActivity
from xmppd.services.profile.private_data import PrivateData
from xmppd.services.profile.vcards import VCards
from xmppd.services.push.push import Push
from xmppd.services.roster.roster import Rosters
from xmppd.services.roster.subscriptions import Subscriptions
from xmppd.services.stream_management.service import StreamManagement
from xmppd.storage.interface import Storage
from xmppd.storage.sqlite.text_index import SQLiteTextIndex

CLIENT_FEATURES = (STARTTLS, SASL2, SASL2_EXCHANGE, SASL, CHANNEL_BINDING, BIND, LEGACY_SESSION)


@dataclass(frozen=True, slots=True)
class Environment:
    """What a server takes from outside: time, threads, randomness."""

    clock: IReactorTime
    now: Callable[[], float]
    """Wall time in seconds since 1970."""
    in_thread: Callable[..., Deferred[Any]]
    """Calls a function with arguments in a thread, as `twisted.internet.threads.deferToThread` does."""
    random_text: Callable[[int], str]
    """Gives so many unguessable bytes as URL-safe text."""
    secret: bytes
    """Made once for a data folder; stable decoys come from it."""
    steady: Callable[[], float] | None = None
    """Seconds that no change of the wall clock moves; None where those of *clock* are such."""


@dataclass(slots=True)
class CurrentConfiguration:
    """The configuration that holds now: a reload puts another in its place."""

    config: Config


@dataclass(slots=True)
class Server:
    """The parts of a running server, for those who wrap one."""

    current: CurrentConfiguration
    hosts: Hosts
    registry: SessionRegistry
    router: Router
    loader: Loader
    accounts: Accounts
    rosters: Rosters
    services: Services
    storage: Storage
    timers: Timers
    streams: StreamServices
    addresses: AddressCounter = field(default_factory=AddressCounter)

    @property
    def config(self) -> Config:
        """The configuration that holds now."""
        return self.current.config

    def take(self, config: Config) -> None:
        """Have the limits of *config* hold from now on, of the server and of each host that is served."""
        self.current.config = config
        for host in self.hosts:
            if host.name in config.hosts:
                host.settings = config.for_host(host.name)

    def c2s_factory(self, tls: TLS | None, *, is_direct_tls: bool = False) -> C2SFactory:
        """Give a factory for client connections; all of them share the registry and the limits of an address."""
        return C2SFactory(self.streams, tls, self.addresses, is_direct_tls=is_direct_tls)


def build(config: Config, storage: Storage, environment: Environment) -> Server:
    """Put a server together; nothing runs yet, no module is loaded (`load_modules`), nothing is read."""
    current = CurrentConfiguration(config)
    timers = Timers(environment.clock, seconds=environment.steady)
    hosts = _hosts(config)
    registry = SessionRegistry(lambda session, status: _tell_unbound(hosts, session, status))
    accounts = _accounts(storage, hosts, environment)
    requests = PendingRequests(timers, lambda: current.config.limits.pending_iqs)
    router = Router(hosts, registry, accounts, requests, storage)
    rosters = Rosters(storage, hosts, registry, router, timers)
    subscriptions = Subscriptions(rosters, hosts, registry, router, accounts)
    presence = Presence(hosts, registry, rosters, router, timers, environment.now)
    offline = Offline(hosts, registry, storage, timers, environment.now, environment.random_text)
    accounts.subscribe(AccountEvent.REMOVED, offline.forget)
    archives = _archive_services(config, storage, timers, accounts, rosters, environment)
    services = Services((offline, *archives, accounts, rosters, presence, subscriptions))
    _add_delivery_services(services, hosts, registry, router, storage, timers, environment)
    for service in _profile_services(
        current, storage, hosts, registry, router, accounts, rosters, environment
    ):
        services.add(service)
    streams = _stream_services(current, hosts, registry, router, timers, services, environment)
    _add_login_services(services, storage, registry, streams, environment)
    services.add(CommandSessions(timers, environment.random_text))
    loader = Loader(
        find_modules(xmppd.modules),
        lambda host: ModuleAPI(host, router, registry, timers, storage, services, environment.now),
        lambda host, cls: _options(current.config, host, cls),
    )
    return Server(
        current=current,
        hosts=hosts,
        registry=registry,
        router=router,
        loader=loader,
        accounts=accounts,
        rosters=rosters,
        services=services,
        storage=storage,
        timers=timers,
        streams=streams,
    )


def _hosts(config: Config) -> Hosts:
    """Give the domains that the configuration names."""
    hosts = Hosts()
    for name in config.hosts:
        hosts.add(Host(name, config.for_host(name)))
    return hosts


def _archive_services(
    config: Config,
    storage: Storage,
    timers: Timers,
    accounts: Accounts,
    rosters: Rosters,
    environment: Environment,
) -> tuple[Archive, ArchiveSearch]:
    """Give the archives and what finds words in them; that index is opened only where a host wants it."""
    file = config.storage_file
    index = SQLiteTextIndex(":memory:" if file is None else f"{file}.words", environment.in_thread)
    search = ArchiveSearch(storage, index, timers)
    retractions = Retractions(storage, timers, search.buried)
    archive = Archive(accounts, rosters, storage, retractions, environment.now, environment.random_text)
    accounts.subscribe(AccountEvent.REMOVED, archive.forget)
    accounts.subscribe(AccountEvent.REMOVED, search.forget)
    return archive, search


def load_modules(server: Server) -> None:
    """Load into every host what its configuration and the modules' own defaults want; `ModuleError`."""
    for host in server.hosts:
        tables = host.settings.modules
        wanted = [
            name
            for name, cls in server.loader.known.items()
            if _is_enabled(cls, tables[name].enabled if name in tables else None)
        ]
        server.loader.load_all(host, sorted(wanted))


def _is_enabled(cls: type[Module], wish: bool | None) -> bool:
    return cls.is_default if wish is None else wish


def _options(config: Config, host: Host, cls: type[Module]) -> Any:
    options, findings = config.module_options(cls.name, cls.options, host.name)
    if options is None:
        raise ModuleError("; ".join(str(finding) for finding in findings))
    return options


def _tell_unbound(hosts: Hosts, session: Session, status: str | None) -> None:
    host = hosts.get(session.host)
    if host is not None:
        host.hooks.notify(events.RESOURCE_UNBOUND, events.Unbound(session, status))


def _accounts(storage: Storage, hosts: Hosts, environment: Environment) -> Accounts:
    def tombstone_s(host: str) -> float:
        return hosts[host].settings.limits.tombstone_s

    return Accounts(storage, environment.in_thread, now=environment.now, tombstone_s=tombstone_s)


def _profile_services(
    current: CurrentConfiguration,
    storage: Storage,
    hosts: Hosts,
    registry: SessionRegistry,
    router: Router,
    accounts: Accounts,
    rosters: Rosters,
    environment: Environment,
) -> tuple[object, ...]:
    """Give the services of what accounts tell of themselves, and of their end."""
    sessions = AccountSessions(accounts, registry)
    capabilities = Capabilities(
        hosts,
        router,
        environment.random_text,
        lambda: current.config.limits.capabilities,
        lambda: current.config.limits.iq_timeout_s,
    )
    return (
        VCards(storage, hosts),
        PrivateData(storage, hosts),
        LastActivity(storage, registry, accounts, environment.now),
        capabilities,
        sessions,
        Removal(accounts, rosters, sessions),
    )


def _add_delivery_services(
    services: Services,
    hosts: Hosts,
    registry: SessionRegistry,
    router: Router,
    storage: Storage,
    timers: Timers,
    environment: Environment,
) -> None:
    """Offer the services of what stands between stanzas and a client: blocking, acknowledgement, push."""
    accounts, text = services[Accounts], environment.random_text
    blocking = Blocking(storage, hosts, registry, router, services[Presence], timers)
    push = Push(registry, router, accounts, storage, timers, text)
    for forget in (blocking.forget, push.forget):
        accounts.subscribe(AccountEvent.REMOVED, forget)
    offline = services[Offline]
    for service in (
        blocking,
        push,
        StreamManagement(registry, router, accounts, offline, storage, timers, environment.now, text),
    ):
        services.add(service)


def _add_login_services(
    services: Services,
    storage: Storage,
    registry: SessionRegistry,
    streams: StreamServices,
    environment: Environment,
) -> None:
    """Offer the services of who logs in, and how."""
    accounts = services[Accounts]
    clients = Clients(storage, accounts, registry, environment.now)
    accounts.beside_password.append(clients.without_tokens)
    accounts.subscribe(AccountEvent.PASSWORD_CHANGED, clients.password_changed)
    accounts.subscribe(AccountEvent.REMOVED, clients.forget)
    clients.listeners.append(services[Push].client_revoked)
    for service in (
        clients,
        Fast(clients, environment.now, environment.random_text),
        streams.authentication,
        streams.binding,
    ):
        services.add(service)


def _stream_services(
    current: CurrentConfiguration,
    hosts: Hosts,
    registry: SessionRegistry,
    router: Router,
    timers: Timers,
    services: Services,
    environment: Environment,
) -> StreamServices:
    throttle = Throttle(
        environment.steady or environment.clock.seconds,
        lambda: current.config.limits.auth_failures_per_address,
        lambda: current.config.limits.auth_failure_window_s,
        lambda: current.config.limits.auth_delay_s,
    )

    def delay(seconds: float) -> Deferred[None]:
        waited: Deferred[None] = Deferred()
        timers.add(seconds, lambda now, timer, param: waited.callback(None))
        return waited

    def may_bind(session: Session) -> bool:
        return services[AccountSessions].may_bind(session) and services[Clients].may_bind(session)

    return StreamServices(
        hosts=hosts,
        registry=registry,
        router=router,
        authentication=Authentication(
            services[Accounts], throttle, delay, environment.secret, environment.random_text
        ),
        binding=Binding(hosts, registry, services[Rosters], may_bind, environment.random_text),
        timers=timers,
        now=environment.now,
        limits=lambda: current.config.limits,
        new_stream_id=Ids(environment.random_text).next,  # unpredictable (RFC 6120 4.7.3)
        features=CLIENT_FEATURES,
    )
