"""What a configuration asks for and this version does not serve, said at each start and by ``xmppctl check``."""

from collections.abc import Iterator

from xmppd.config.findings import Finding
from xmppd.config.model import Config
from xmppd.config.schema import dotted

_REMEDY = "remove it, or leave it for a later version"


def not_served(config: Config) -> Iterator[Finding]:
    """TODO: TLS for components, which connections to other servers will need."""
    for component in config.components.values():
        if component.certificate is not None:
            path = (*config.table_of(component.name), "certificate")
            why = "no client connects to a service, and this version has no connections to other servers"
            yield Finding(
                "config.no-effect", "warning", config.source.place(path), dotted(path), why, _REMEDY
            )
