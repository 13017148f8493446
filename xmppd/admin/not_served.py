"""What a configuration asks for and this version does not serve, said at each start and by ``xmppctl check``."""

from collections.abc import Iterator

from xmppd.config.findings import Finding
from xmppd.config.kinds import DomainKind
from xmppd.config.model import Config
from xmppd.config.schema import dotted

_REMEDY = "remove it, or leave it for a later version"


def not_served(config: Config) -> Iterator[Finding]:
    """TODO: programs that are components, and TLS for components; until then nobody shall wait for them."""
    for component in config.components.values():
        path = config.table_of(component.name)
        if component.kind is DomainKind.COMPONENT:
            place, what = config.source.place(path), f'component "{component.name}"'
            why = "this version has no port for programs that connect as a service, so nobody answers there"
            yield Finding("config.no-effect", "warning", place, what, why, _REMEDY)
        elif component.certificate is not None:
            path = (*path, "certificate")
            why = "no client connects to a service, and this version has no connections to other servers"
            yield Finding(
                "config.no-effect", "warning", config.source.place(path), dotted(path), why, _REMEDY
            )
