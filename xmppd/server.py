"""Puts a server together: every part is made here, once, and handed what it uses.

`tap` wraps a server into a process; tests build one in memory, with their own clock, storage and randomness. The core
and the services come from `xmppd.services.parts`; here the modules and the streams are added. Besides them only the
login that ``xmppctl check`` tries imports this file.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter

import xmppd.modules
from xmppd.config.kinds import DomainKind
from xmppd.config.model import Config
from xmppd.core.environment import CurrentConfiguration, Environment
from xmppd.core.host import Host, Hosts
from xmppd.core.ids import Ids
from xmppd.core.loader import Loader, ModuleError, find_modules
from xmppd.core.module import Module, ModuleAPI, Options
from xmppd.core.parts import CoreParts
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.services import Services
from xmppd.core.timers import Timers
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.c2s import TLS, C2SFactory
from xmppd.net.streams.client_stream import ClientStream
from xmppd.net.streams.component import ComponentFactory
from xmppd.net.streams.negotiation import BIND, LEGACY_SESSION, STARTTLS
from xmppd.net.streams.s2s.parts import PeerTLS
from xmppd.net.streams.s2s.peers import Peers
from xmppd.net.streams.sasl import CHANNEL_BINDING, SASL
from xmppd.net.streams.sasl2 import SASL2, SASL2_EXCHANGE
from xmppd.net.streams.services import StreamServices
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.components.components import Components
from xmppd.services.login.authentication import Authentication
from xmppd.services.login.binding import Binding
from xmppd.services.parts import make_parts
from xmppd.services.roster.roster import Rosters
from xmppd.storage.interface import Storage

CLIENT_FEATURES = (STARTTLS, SASL2, SASL2_EXCHANGE, SASL, CHANNEL_BINDING, BIND, LEGACY_SESSION)


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
    streams: StreamServices[ClientStream]
    core: CoreParts
    addresses: AddressCounter = field(default_factory=AddressCounter)

    @property
    def config(self) -> Config:
        """The configuration that holds now."""
        return self.current.config

    def take(self, config: Config) -> None:
        """Have the limits of *config* hold from now on, of the server and of each domain that is still what it was."""
        self.current.config = config
        kept = {(settings.name, settings.kind): settings for settings in config.domains}
        for host in self.hosts:
            host.settings = kept.get((host.name, host.kind), host.settings)

    def c2s_factory(self, tls: TLS | None, *, is_direct_tls: bool = False) -> C2SFactory:
        """Give a factory for client connections; all of them share the registry and the limits of an address."""
        return C2SFactory(self.streams, tls, self.addresses, is_direct_tls=is_direct_tls)

    def component_factory(self) -> ComponentFactory:
        """Give the factory for the connections of components."""
        streams = self.streams
        return ComponentFactory(
            self.services[Components],
            self.router,
            self.timers,
            streams.limits,
            streams.now,
            streams.new_stream_id,
        )

    def peers(self, tls: PeerTLS | None, own: Collection[tuple[str, int]] = ()) -> Peers:
        """Give what reaches other servers and is reached by them at the addresses *own*; it is to be started."""
        return Peers(self.core, self.addresses, tls, own)


def build(config: Config, storage: Storage, environment: Environment) -> Server:
    """Put a server together; nothing runs yet, no module is loaded (`load_modules`), nothing is read."""
    parts = make_parts(CurrentConfiguration(config), storage, environment)
    return Server(
        current=parts.current,
        hosts=parts.hosts,
        registry=parts.registry,
        router=parts.router,
        loader=_loader(parts),
        accounts=parts.services[Accounts],
        rosters=parts.services[Rosters],
        services=parts.services,
        storage=storage,
        timers=parts.timers,
        streams=_stream_services(parts),
        core=parts,
        addresses=AddressCounter(parts.timers.seconds),
    )


def load_modules(server: Server) -> None:
    """Load into every domain what its configuration and the modules' own defaults want; `ModuleError`."""
    loader = server.loader
    for host in server.hosts:
        for name in (*host.settings.modules, host.settings.module):
            if name is not None:
                loader.discover(name)
        wanted = [
            name
            for name, cls in loader.known.items()
            if _is_wanted(cls, host, loader.is_from_outside(name)) and not _lacks(cls, host, loader.known)
        ]
        if host.settings.module is not None and host.settings.module not in wanted:
            wanted.append(host.settings.module)  # there is none, and the loader says so
        loader.load_all(host, sorted(wanted))


def _is_wanted(cls: type[Module], host: Host, is_from_outside: bool) -> bool:
    """Say whether a module is to be loaded: it serves such domains, and is not turned off.

    One that is a service of its own is wanted where a component is it, and nowhere else; one from outside where the
    configuration names it.
    """
    if host.kind not in cls.for_hosts:
        return False
    if DomainKind.ACCOUNTS not in cls.for_hosts or cls.name == host.settings.module:
        return cls.name == host.settings.module
    table = host.settings.modules.get(cls.name)
    if is_from_outside:
        return table is not None and table.enabled is not False
    return cls.is_default if table is None or table.enabled is None else table.enabled


def _lacks(cls: type[Module], host: Host, known: Mapping[str, type[Module]]) -> bool:
    """Say whether what a module requires is turned off: then it stays away, unless it is turned on itself."""
    own = host.settings.modules.get(cls.name)
    if own is not None and own.enabled:
        return False
    for name in cls.requires:
        table = host.settings.modules.get(name)
        if table is not None and table.enabled is False:
            return True
        if name in known and _lacks(known[name], host, known):
            return True
    return False


def _options(config: Config, host: Host, cls: type[Module]) -> Options:
    options, findings = config.module_options(cls.name, cls.options, host.name)
    if options is None:
        raise ModuleError("; ".join(str(finding) for finding in findings))
    return options


def _loader(parts: CoreParts) -> Loader:
    def api_for(host: Host) -> ModuleAPI:
        return ModuleAPI(
            host,
            parts.router,
            parts.registry,
            parts.timers,
            parts.storage,
            parts.services,
            parts.environment.now,
            parts.web,
            parts.environment.in_thread,
        )

    return Loader(
        find_modules(xmppd.modules), api_for, lambda host, cls: _options(parts.current.config, host, cls)
    )


def _stream_services(parts: CoreParts) -> StreamServices[ClientStream]:
    services, current = parts.services, parts.current
    return StreamServices(
        hosts=parts.hosts,
        registry=parts.registry,
        router=parts.router,
        authentication=services[Authentication],
        binding=services[Binding],
        timers=parts.timers,
        now=parts.environment.now,
        limits=partial(attrgetter("config.limits"), current),  # asked for each stanza that waits: no frame
        new_stream_id=Ids(parts.environment.random_text).next,  # unpredictable (RFC 6120 4.7.3)
        features=CLIENT_FEATURES,
        hears=parts.environment.hears,
    )
