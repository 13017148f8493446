"""The effective configuration: what the rest of the server reads."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from xmppd.config.findings import Finding
from xmppd.config.kinds import DomainKind
from xmppd.config.lines import Path as KeyPath
from xmppd.config.module_options import validate_options
from xmppd.config.options import Components, HostSettings, ModuleTable, ServerOptions
from xmppd.config.section import Address
from xmppd.config.source import DEFAULTS, Source
from xmppd.config.table import Table

WHAT_A_COMPONENT_IS = ("kind", "module", "connection_of")
"""Settings that make a component what it is: a restart brings them; its secret, limits and all else follow the file."""

OF_C2S = ("listen", "direct_tls_listen", "proxy_protocol_from")
"""Settings of ``[c2s]`` that a restart brings."""
OF_S2S = ("enabled", "listen", "direct_tls_listen", "proxy_protocol_from", "resolvers", "ca")
"""Settings of ``[s2s]`` that a restart brings."""

OF_HTTP = ("listen", "tls_listen", "proxy_protocol_from")
"""Settings of ``[http]`` that a restart brings."""

Options = TypeVar("Options", bound=Table)


def is_local(name: str) -> bool:
    """Whether a domain stands for this machine alone (RFC 6761 6.3)."""
    return name == "localhost" or name.endswith(".localhost")


class Config(ServerOptions):
    """Every option as it holds; made by ``read.load`` and ``read.parse`` only."""

    hosts: dict[str, HostSettings]
    """The domains with accounts by name, each with the server's options overlaid with its own."""
    components: dict[str, HostSettings]
    """The services with a domain name of their own, inside and outside this server, alike."""
    component_listen: tuple[Address, ...] = ()
    """Where programs connect that are a service (``[components] listen``)."""

    _source: Source
    _disabled: tuple[KeyPath, ...] = ()
    _warnings: tuple[Finding, ...] = ()

    @classmethod
    def assemble(
        cls,
        options: ServerOptions,
        hosts: Mapping[str, HostSettings],
        components: Mapping[str, HostSettings],
        shared: Components,
        source: Source,
        disabled: tuple[KeyPath, ...] = (),
    ) -> Self:
        """Put the checked parts together; *shared* is what stands in ``[components]`` itself."""
        parts: dict[str, Any] = {name: getattr(options, name) for name in ServerOptions.model_fields}
        parts |= {"hosts": dict(hosts), "components": dict(components), "component_listen": shared.listen}
        return cls.model_construct(**parts, _source=source, _disabled=disabled)

    def with_warnings(self, warnings: tuple[Finding, ...]) -> Self:
        """Note what is not wrong enough to refuse the file, for whoever shows it."""
        return self.model_copy({"_warnings": warnings})

    @property
    def source(self) -> Source:
        """Where the options stand."""
        return self._source

    @property
    def disabled(self) -> tuple[KeyPath, ...]:
        """The tables of domains that are not served, since they say so."""
        return self._disabled

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What was found when the configuration was read, and did not hinder it."""
        return self._warnings

    @property
    def file(self) -> Path | None:
        """The configuration file; None for the defaults."""
        return None if self._source.filename == DEFAULTS else Path(self._source.filename)

    @property
    def storage_file(self) -> Path | None:
        """The file of the SQLite storage; None for one that has no file."""
        scheme, _, location = self.storage.url.partition(":")
        return self.data_dir / os.path.expanduser(location) if scheme == "sqlite" else None

    def under(self, running: Self) -> Self:
        """Give what holds when this is read anew while *running* does: what a restart must bring stays as it is.

        That are the data folder, the storage, what moves the bytes, listeners, and which domains there are; a domain
        that the file has no more keeps its settings. The places of options are those of this file.
        """
        return self.model_copy(
            update={
                **{
                    name: getattr(running, name)
                    for name in ("data_dir", "storage", "metrics", "net", "component_listen", "bytestreams")
                },
                "c2s": self.c2s.model_copy(update={name: getattr(running.c2s, name) for name in OF_C2S}),
                "s2s": self.s2s.model_copy(update={name: getattr(running.s2s, name) for name in OF_S2S}),
                "http": self.http.model_copy(update={name: getattr(running.http, name) for name in OF_HTTP}),
                "hosts": {name: self.hosts.get(name, old) for name, old in running.hosts.items()},
                "components": {name: self._component(old) for name, old in running.components.items()},
            }
        )

    def _component(self, running: HostSettings) -> HostSettings:
        new = self.components.get(running.name, running)
        return new.model_copy(update={name: getattr(running, name) for name in WHAT_A_COMPONENT_IS})

    @property
    def bytestreams_listeners(self) -> tuple[Address, ...]:
        """Where file transfers are relayed; nowhere while no component does that."""
        is_one = any(component.module == "bytestreams" for component in self.components.values())
        return self.bytestreams.listen if is_one else ()

    @property
    def component_listeners(self) -> tuple[Address, ...]:
        """Where programs are awaited that are a service; nowhere while no component is one."""
        is_one = any(component.kind is DomainKind.COMPONENT for component in self.components.values())
        return self.component_listen if is_one else ()

    def for_host(self, name: str) -> HostSettings:
        """Give what holds for the domain with accounts *name*; raises KeyError for any other."""
        return self.hosts[name]

    @property
    def is_federated(self) -> bool:
        """Whether other servers are talked to: unless that is turned off, or localhost is all there is."""
        return self.s2s.enabled and any(not is_local(name) for name in self.hosts)

    def s2s_listeners(self, option: str) -> tuple[Address, ...]:
        """Give the addresses for other servers in *option* of ``[s2s]``; none where they are not talked to."""
        found: tuple[Address, ...] = getattr(self.s2s, option) if self.is_federated else ()
        return found

    @property
    def domains(self) -> tuple[HostSettings, ...]:
        """What holds for each domain of every kind: hosts, then components."""
        return (*self.hosts.values(), *self.components.values())

    def for_domain(self, name: str) -> HostSettings:
        """Give what holds for the host or component *name*; raises KeyError for any other."""
        return self.hosts.get(name) or self.components[name]

    def table_of(self, name: str) -> KeyPath:
        """Give the path of the table of the host or component *name*."""
        return ("components" if name in self.components else "hosts", name)

    def module_options(
        self, name: str, model: type[Options], host: str | None = None
    ) -> tuple[Options | None, list[Finding]]:
        """Check the options of the module *name* by its *model*: (options, []) or (None, what is wrong).

        With *host* they are the server's overlaid with that domain's. A key that *model* does not have is
        wrong whatever the model says about it.
        """
        tables = self.modules if host is None else self.for_domain(host).modules
        table = tables.get(name, ModuleTable())
        above = () if host is None else self.table_of(host)
        return validate_options(name, model, table.model_extra or {}, self._source, above)
