"""``dns.*``: whether others find this server: SRV records of all four kinds, their addresses, ports that nobody serves;
and whether TLSA records are of the certificates here.

Asks the name servers of this system, or those of ``s2s.resolvers``; left out with ``--offline``.
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from itertools import chain
from typing import Final

from xmppd.admin.check.dane import Told, check_pins
from xmppd.admin.check.external_services import check_external_names
from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding
from xmppd.config.kinds import DomainKind
from xmppd.config.model import Config, is_local
from xmppd.config.section import Address
from xmppd.core.outgoing import CannotResolve, Service

CLIENT_PORT: Final = 5222
SERVER_PORT: Final = 5269
_KINDS: Final = (
    ("_xmpp-client", "c2s", "listen"),
    ("_xmpps-client", "c2s", "direct_tls_listen"),
    ("_xmpp-server", "s2s", "listen"),
    ("_xmpps-server", "s2s", "direct_tls_listen"),
)
"""SRV records, and the listeners that they must lead to."""
_WITHOUT: Final = (
    ("c2s", "client", CLIENT_PORT, "clients that look for it"),
    ("s2s", "server", SERVER_PORT, "others"),
)
"""What is tried where there are no records: section, name of the record, port, by whom."""
_UNKNOWN: Final = "check the name servers of this machine, or leave this check out with --offline"
_WRONG: Final = "dns.wrong-service"


def check_dns(subject: Subject) -> Iterator[Finding]:
    """Look at the records of each host that others are to find, and of services that they shall reach."""
    yield from check_external_names(subject)
    config = subject.config
    if not config.is_federated:
        return
    yield from _dnssec(subject)
    for domain in config.domains:
        if is_local(domain.name):
            continue
        place, what = config.source.place(config.table_of(domain.name)), f'DNS of "{domain.name}"'
        try:
            look = _host if domain.kind is DomainKind.ACCOUNTS else _service
            for identifier, severity, why, remedy in look(subject, domain.name):
                yield Finding(identifier, severity, place, what, why, remedy)
        except CannotResolve as problem:
            yield Finding("dns.no-answer", "warning", place, what, str(problem), _UNKNOWN)


def _dnssec(subject: Subject) -> Iterator[Finding]:
    """DANE needs name servers that check DNSSEC, with nobody in between."""
    config = subject.config
    if not config.s2s.dane:
        return
    place = config.source.place(("s2s", "dane"))
    try:
        if subject.machine.vouches(config.s2s.resolvers):
            return
    except CannotResolve as problem:
        yield Finding("dns.no-answer", "warning", place, "s2s.dane", str(problem), _UNKNOWN)
        return
    why = (
        "the name servers are on another machine, or do not check DNSSEC, so that no TLSA record is believed"
    )
    remedy = "run one here that does, such as unbound, and name it in /etc/resolv.conf or s2s.resolvers"
    yield Finding("dns.no-dnssec", "warning", place, "s2s.dane", why, remedy)


def _host(subject: Subject, name: str) -> Iterator[Told]:
    config, servers = subject.config, subject.config.s2s.resolvers
    found: dict[str, list[Service]] = {"c2s": [], "s2s": []}
    for kind, section, option in _KINDS:
        records = list(subject.machine.services(f"{kind}._tcp.{name}", servers))
        found[section] += records
        yield from _wrong(config, kind, section, option, records)
    own = subject.machine.addresses(name, servers) if not all(found.values()) else ()
    if not own and not any(found.values()):
        why = "it has neither SRV records nor an address, so nobody finds it"
        remedy = (
            f"add _xmpp-client._tcp.{name} SRV and _xmpp-server._tcp.{name} SRV, or an address for {name}"
        )
        yield "dns.not-found", "warning", why, remedy
        return
    for section, word, port, who in _WITHOUT:
        if found[section]:
            continue
        record = f"_xmpp-{word}._tcp.{name} SRV"
        if not own:
            why = f"it has neither SRV records for {word}s nor an address, so nobody finds it"
            yield "dns.not-found", "warning", why, f"add {record}, or an address for {name}"
        elif port not in _ports(config, section, "listen"):
            yield _without(record, port, who)
    missing = [section for section, records in found.items() if not records]
    yield from _targets(subject, found, {section: (name, own) for section in missing if own})
    ports = [port for section, _, port, _ in _WITHOUT if not found[section]]
    yield from check_pins(subject, name, chain(*found.values()), ports)


def _service(subject: Subject, name: str) -> Iterator[Told]:
    """Others reach rooms and the like by a name of their own; clients come to the host alone."""
    config, servers = subject.config, subject.config.s2s.resolvers
    found: list[Service] = []
    for kind, section, option in _KINDS:
        if section == "s2s":
            records = list(subject.machine.services(f"{kind}._tcp.{name}", servers))
            found += records
            yield from _wrong(config, kind, section, option, records)
    own = () if found else subject.machine.addresses(name, servers)
    if not found and not own:
        why = "it has neither SRV records for servers nor an address, so that users of other servers do not reach it"
        remedy = f"add _xmpp-server._tcp.{name} SRV, as the host has, unless it is for your own users alone"
        yield "dns.service-not-found", "warning", why, remedy
        return
    if own and SERVER_PORT not in _ports(config, "s2s", "listen"):
        yield _without(f"_xmpp-server._tcp.{name} SRV", SERVER_PORT, "others")
    yield from _targets(subject, {"s2s": found}, {"s2s": (name, own)} if own else {})
    yield from check_pins(subject, name, found, () if found else (SERVER_PORT,))


def _without(record: str, port: int, who: str) -> Told:
    why = f"without SRV records {who} try port {port}, which is not listened on"
    return _WRONG, "warning", why, f"add {record} with the right port, or listen on {port}"


def _targets(
    subject: Subject, found: Mapping[str, Sequence[Service]], own: Mapping[str, tuple[str, Sequence[str]]]
) -> Iterator[Told]:
    """Look where the records lead, and at *own* (name and addresses) where there are none, by section."""
    servers = subject.config.s2s.resolvers
    led: dict[str, tuple[Sequence[str], list[str]]] = {}
    for section, records in found.items():
        for target in dict.fromkeys(each.target for each in records if each.target):
            if target not in led:
                led[target] = subject.machine.addresses(target, servers), []
            led[target][1].append(section)
    for section, (name, addresses) in own.items():
        led.setdefault(name, (addresses, []))[1].append(section)
    for target, (addresses, sections) in led.items():
        yield from _target(subject, target, addresses, sections)


def _wrong(
    config: Config, kind: str, section: str, option: str, records: Sequence[Service]
) -> Iterator[Told]:
    if records and not any(record.target for record in records):
        if _ports(config, section, option):
            why = f"{kind} says that there is no such service"
            yield _WRONG, "warning", why, f"remove that record, or {section}.{option}"
        return
    for port in sorted({record.port for record in records} - _ports(config, section, option)):
        why = f"{kind} leads to port {port}, which {section}.{option} does not listen on"
        remedy = "listen there, or correct the record; behind a proxy or NAT that is as it should be"
        yield _WRONG, "warning", why, remedy


def _target(
    subject: Subject, target: str, addresses: Sequence[str], sections: Sequence[str]
) -> Iterator[Told]:
    """Where a record leads, or the name itself: to this machine, by every version of IP that it has there."""
    if not addresses:
        why = f"{target}, where its records lead, has no address"
        yield "dns.no-address", "error", why, f"add an address (A, AAAA) for {target}, or correct the record"
        return
    kinds = [ip_address(each) for each in addresses]
    if any(each.is_loopback for each in kinds):
        why = f"{target} is {addresses[0]}, which is every machine's own address"
        yield "dns.loopback", "error", why, f"give {target} the address by which others reach this machine"
    elif all(each.is_private for each in kinds if not _is_example(str(each))) and not any(
        _is_example(each) for each in addresses
    ):
        why = f"{target} is {addresses[0]}, which is reached from the same network only"
        yield (
            "dns.private",
            "warning",
            why,
            "give it a public address, unless this is a server for that network",
        )
    else:
        yield from _elsewhere(subject, target, addresses)
    for section in sections:
        yield from _version(subject.config, section, target, {each.version for each in kinds})


def _is_example(address: str) -> bool:
    """Python counts the addresses of examples (RFC 5737, RFC 3849) as private."""
    return address.startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:"))


def _elsewhere(subject: Subject, target: str, addresses: Sequence[str]) -> Iterator[Told]:
    """Told only of a machine that has a public address itself: behind NAT it does not know its own."""
    own = [each for each in subject.machine.own_addresses() if _is_public(each)]
    foreign = [
        each for each in addresses if each not in own and any((":" in each) == (":" in o) for o in own)
    ]
    if foreign:
        why = f"{target} is {foreign[0]}, which is no address of this machine"
        remedy = f"correct the record (this machine is {own[0]}); behind a proxy that is as it should be"
        yield "dns.elsewhere", "warning", why, remedy


def _is_public(address: str) -> bool:
    return _is_example(address) or ip_address(address).is_global


def _version(config: Config, section: str, target: str, versions: set[int]) -> Iterator[Told]:
    listeners = _listeners(config, section, "listen") or _listeners(config, section, "direct_tls_listen")
    listening = {6 if each.is_ipv6 else 4 for each in listeners}
    port = CLIENT_PORT if section == "c2s" else SERVER_PORT
    for version in sorted(versions - listening) if listening else ():
        every = f"0.0.0.0:{port}" if version == 4 else f"[::]:{port}"
        who = "nothing listens there" if section == "c2s" else "nothing listens there for other servers"
        why = f"{target} has an address of IPv{version}, and {who}"
        remedy = f'add "{every}" to {section}.listen, or remove that address'
        yield "dns.ip-version", "warning", why, remedy


def _ports(config: Config, section: str, option: str) -> set[int]:
    return {address.port for address in _listeners(config, section, option)}


def _listeners(config: Config, section: str, option: str) -> Sequence[Address]:
    found: Sequence[Address] = getattr(getattr(config, section), option)
    return found
