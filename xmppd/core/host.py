"""A served domain: its settings, its modules, and the tables that they fill."""

from collections.abc import Callable, Iterator
from typing import Any

from xmppd.config.options import HostSettings
from xmppd.core.hooks import Hooks
from xmppd.stream.features import StreamFeature

IQKey = tuple[str, str, str, str]
"""What finds an IQ handler: type ("get" or "set"), namespace, element name, and the kind of target: "host", "account",
"own" or "resource" (see `xmppd.core.module.iq`)."""


class Host:
    """One served domain. Modules add handlers by the loader; the router reads them."""

    def __init__(self, name: str, settings: HostSettings):
        self.name = name
        self.settings = settings
        self.hooks = Hooks()
        self.iq_handlers: dict[IQKey, Callable[[Any], Any]] = {}
        self.modules: dict[str, Any] = {}
        self.stream_features: tuple[StreamFeature, ...] = ()

    def __repr__(self) -> str:
        return f"<Host {self.name}>"


class Hosts:
    """All served domains by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Host] = {}

    def add(self, host: Host) -> None:
        """Serve *host*; ValueError if the name is served already."""
        if host.name in self._by_name:
            raise ValueError(f"{host.name} is served already")
        self._by_name[host.name] = host

    def get(self, name: str | None) -> Host | None:
        """Give the host of this (prepared) name, or None where it is not served here."""
        return self._by_name.get(name)  # type: ignore[arg-type]  # None is simply not there

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Host:
        return self._by_name[name]

    def __iter__(self) -> Iterator[Host]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)
