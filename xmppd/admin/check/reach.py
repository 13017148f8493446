"""``config.unreachable-*``, ``config.plain-web``: services that clients elsewhere are told of and cannot reach."""

from collections.abc import Iterator, Sequence
from typing import Final

from xmppd.admin.check.subject import Subject
from xmppd.config.cross import is_public
from xmppd.config.findings import Finding
from xmppd.config.model import Config, is_local
from xmppd.config.options import HostSettings
from xmppd.config.section import Address
from xmppd.core.web import configured_url, hostname_of

UPLOAD, BYTESTREAMS = "upload", "bytestreams"
PLAIN: Final = "http://"


def check_reach(subject: Subject) -> Iterator[Finding]:
    """Look at components that send clients elsewhere, where clients come from other machines."""
    config = subject.config
    if not is_public(config):
        return
    for component in config.components.values():
        if component.module == UPLOAD:
            yield from _web(config, component)
        elif component.module == BYTESTREAMS and _is_for_here(config.bytestreams_listeners):
            why = "clients are told to connect to it, and it listens for this machine alone"
            remedy = 'set bytestreams.listen = ["0.0.0.0:7777", "[::]:7777"]'
            yield _finding(config, component, "config.unreachable-proxy", why, remedy)


def _web(config: Config, component: HostSettings) -> Iterator[Finding]:
    url = configured_url(config, component.name)
    if url is None:
        if _is_for_here((*config.http.listen, *config.http.tls_listen)):
            why = "files are fetched by HTTP, which listens for this machine alone, and no external_url says otherwise"
            remedy = (
                "set http.tls_listen, or external_url to where a proxy in front of http.listen is reached"
            )
            yield _finding(config, component, "config.unreachable-web", why, remedy)
        elif not config.http.tls_listen:
            yield _plain(config, component)
    elif url.startswith(PLAIN) and not is_local(hostname_of(url)):
        yield _plain(config, component)


def _plain(config: Config, component: HostSettings) -> Finding:
    why = (
        "files cross the network readable by anyone: XEP-0363 demands HTTPS, and clients refuse anything else"
    )
    return _finding(
        config, component, "config.plain-web", why, "set http.tls_listen, or an external_url with https"
    )


def _is_for_here(addresses: Sequence[Address]) -> bool:
    return all(address.is_loopback for address in addresses)


def _finding(config: Config, component: HostSettings, identifier: str, why: str, remedy: str) -> Finding:
    place = config.source.place(config.table_of(component.name))
    return Finding(identifier, "warning", place, f'component "{component.name}"', why, remedy)
