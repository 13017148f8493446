"""A domain that is configured here: its kind, its settings, its modules, and the tables that they fill."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from xmppd.config.kinds import DomainKind
from xmppd.config.options import HostSettings
from xmppd.core.hooks import Hooks
from xmppd.core.http import Routes
from xmppd.core.session import ClientFeature

IQKey = tuple[str, str, str, str]
"""What finds an IQ handler: type ("get" or "set"), namespace, element name, and the kind of target: "host", "account",
"own", "resource" or "node" (see `xmppd.core.module.iq`)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity of an entity (XEP-0030 3.1)."""

    category: str
    type: str
    name: str = ""
    lang: str = ""


class LoadedModule(Protocol):
    """What others ask of a module that a host has loaded (see `xmppd.core.module.Module`)."""

    name: ClassVar[str]
    identities: ClassVar[tuple[Identity, ...]]
    features: ClassVar[tuple[str, ...]]
    account_features: ClassVar[tuple[str, ...]]
    requires: ClassVar[tuple[str, ...]]
    offered: tuple[ClientFeature, ...]


class Host:
    """One domain that is configured here. Modules add handlers by the loader; the router reads them."""

    def __init__(self, name: str, settings: HostSettings, kind: DomainKind = DomainKind.ACCOUNTS):
        self.name = name
        self.kind = kind
        self.settings = settings
        self.hooks = Hooks()
        self.iq_handlers: dict[IQKey, Callable[[Any], object]] = {}
        self.routes = Routes()
        self.modules: dict[str, LoadedModule] = {}
        self.stream_features: tuple[ClientFeature, ...] = ()

    @property
    def has_accounts(self) -> bool:
        """Whether accounts live here, and clients may connect to it."""
        return self.kind is DomainKind.ACCOUNTS

    def __repr__(self) -> str:
        return f"<Host {self.name}>"


class Hosts:
    """All domains that are configured here by name, of every kind."""

    def __init__(self) -> None:
        self.by_name: dict[str, Host] = {}
        """Read on the way of every stanza, written here alone."""

    def add(self, host: Host) -> None:
        """Serve *host*; ValueError if the name is served already."""
        if host.name in self.by_name:
            raise ValueError(f"{host.name} is served already")
        self.by_name[host.name] = host

    def get(self, name: str | None) -> Host | None:
        """Give the host of this (prepared) name, or None where it is not served here."""
        return self.by_name.get(name)  # type: ignore[arg-type]  # None is simply not there

    def with_accounts(self, name: str | None) -> Host | None:
        """Give the host of this (prepared) name, or None where no accounts live there."""
        host = self.by_name.get(name)  # type: ignore[arg-type]  # None is simply not there
        return host if host is not None and host.kind is DomainKind.ACCOUNTS else None

    @property
    def of_accounts(self) -> tuple[Host, ...]:
        """The hosts with accounts, in the order of the configuration."""
        return tuple(host for host in self.by_name.values() if host.kind is DomainKind.ACCOUNTS)

    def __contains__(self, name: str) -> bool:
        return name in self.by_name

    def __getitem__(self, name: str) -> Host:
        return self.by_name[name]

    def __iter__(self) -> Iterator[Host]:
        return iter(self.by_name.values())

    def __len__(self) -> int:
        return len(self.by_name)
