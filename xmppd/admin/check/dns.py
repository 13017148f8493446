"""``dns.*``: whether others find this server: SRV records of all four kinds, addresses, ports that nobody serves.

Asks the name servers of this system, or those of ``s2s.resolvers``; left out with ``--offline``.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding
from xmppd.config.model import Config, is_local
from xmppd.config.section import Address
from xmppd.core.outgoing import CannotResolve, Service

SERVER_PORT: Final = 5269
_KINDS: Final = (
    ("_xmpp-client", "c2s", "listen"),
    ("_xmpps-client", "c2s", "direct_tls_listen"),
    ("_xmpp-server", "s2s", "listen"),
    ("_xmpps-server", "s2s", "direct_tls_listen"),
)
"""SRV records, and the listeners that they must lead to."""
_UNKNOWN: Final = "check the name servers of this machine, or leave this check out with --offline"


def check_dns(subject: Subject) -> Iterator[Finding]:
    """Look at the records of each host that others are to find."""
    config = subject.config
    for host in config.hosts.values() if config.is_federated else ():
        if not is_local(host.name):
            yield from _host(subject, host.name)


def _host(subject: Subject, name: str) -> Iterator[Finding]:
    config, machine = subject.config, subject.machine
    place, what = config.source.place(("hosts", name)), f'DNS of "{name}"'
    servers = config.s2s.resolvers
    has_records = False
    try:
        for kind, section, option in _KINDS:
            records = machine.services(f"{kind}._tcp.{name}", servers)
            has_records = has_records or (bool(records) and section == "s2s")
            for why, remedy in _wrong(config, kind, section, option, records):
                yield Finding("dns.wrong-service", "warning", place, what, why, remedy)
        if not has_records and not machine.has_address(name, servers):
            why = "it has neither SRV records for servers nor an address, so nobody finds it"
            remedy = f"add _xmpp-server._tcp.{name} SRV, or an address for {name}"
            yield Finding("dns.not-found", "warning", place, what, why, remedy)
        elif not has_records and SERVER_PORT not in _ports(config, "s2s", "listen"):
            why = f"without SRV records others try port {SERVER_PORT}, which is not listened on"
            remedy = f"add _xmpp-server._tcp.{name} SRV with the right port, or listen on {SERVER_PORT}"
            yield Finding("dns.wrong-service", "warning", place, what, why, remedy)
    except CannotResolve as problem:
        yield Finding("dns.no-answer", "warning", place, what, str(problem), _UNKNOWN)


def _wrong(
    config: Config, kind: str, section: str, option: str, records: Sequence[Service]
) -> Iterator[tuple[str, str]]:
    if records and not any(record.target for record in records):
        if _ports(config, section, option):
            yield f"{kind} says that there is no such service", f"remove that record, or {section}.{option}"
        return
    for port in sorted({record.port for record in records} - _ports(config, section, option)):
        why = f"{kind} leads to port {port}, which {section}.{option} does not listen on"
        yield why, "listen there, or correct the record; behind a proxy or NAT that is as it should be"


def _ports(config: Config, section: str, option: str) -> set[int]:
    found: Sequence[Address] = getattr(getattr(config, section), option)
    return {address.port for address in found}
