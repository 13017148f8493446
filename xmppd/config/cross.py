"""What can only be told from several options together."""

from collections.abc import Iterator

from xmppd.config.elsewhere import OAuth
from xmppd.config.findings import Finding
from xmppd.config.kinds import DomainKind
from xmppd.config.lines import Path
from xmppd.config.model import Config
from xmppd.config.schema import dotted, nearest
from xmppd.config.section import Address

_PROXIED = ("c2s", "s2s", "http")
"""The sections that have ``proxy_protocol_from``."""
_LISTENERS = ("listen", "direct_tls_listen")


def cross_check(config: Config) -> Iterator[Finding]:
    """Give what is wrong between options that are each right."""
    yield from _listeners(config)
    yield from _proxies(config)
    yield from _shown_by(config)
    yield from _shared_connections(config)
    yield from _plain_components(config)
    yield from _open_monitoring(config)
    yield from _admins(config)
    yield from _certificates(config)
    yield from _client_certificates(config)
    yield from _plain_passwords(config)
    yield from _elsewhere(config)


def _of_clients(config: Config) -> list[tuple[Path, Address]]:
    return [
        (("c2s", key, index), address)
        for key in _LISTENERS
        for index, address in enumerate(getattr(config.c2s, key))
    ]


def _of_components(config: Config) -> list[tuple[Path, Address]]:
    return [
        (("components", "listen", index), address) for index, address in enumerate(config.component_listeners)
    ]


def _of_monitoring(config: Config) -> list[tuple[Path, Address]]:
    return [(("metrics", "listen", index), address) for index, address in enumerate(config.metrics.listen)]


def _of_servers(config: Config) -> list[tuple[Path, Address]]:
    if not config.is_federated:
        return []
    return [
        (("s2s", key, index), address)
        for key in _LISTENERS
        for index, address in enumerate(getattr(config.s2s, key))
    ]


def _of_http(config: Config) -> list[tuple[Path, Address]]:
    return [
        (("http", key, index), address)
        for key in ("listen", "tls_listen")
        for index, address in enumerate(getattr(config.http, key))
    ]


def _of_bytestreams(config: Config) -> list[tuple[Path, Address]]:
    return [
        (("bytestreams", "listen", index), address)
        for index, address in enumerate(config.bytestreams_listeners)
    ]


def is_public(config: Config) -> bool:
    """Say whether a listener for clients is reached from other machines."""
    return any(not address.is_loopback for _, address in _of_clients(config))


def _listeners(config: Config) -> Iterator[Finding]:
    listeners = _of_clients(config)
    if not listeners:
        place = config.source.place(("c2s", "listen"))
        why, remedy = "nobody can connect", "give c2s.listen or c2s.direct_tls_listen an address"
        yield Finding("config.no-listener", "warning", place, "c2s.listen = []", why, remedy)
    listeners += [
        *_of_servers(config),
        *_of_http(config),
        *_of_components(config),
        *_of_bytestreams(config),
        *_of_monitoring(config),
    ]
    for number, (path, address) in enumerate(listeners):
        for other_path, other in listeners[:number]:
            if not _collide(address, other):
                continue
            place, before = config.source.place(path), config.source.place(other_path)
            what = f'"{address}" in {dotted(path[:-1])}'
            why = (
                f'{dotted(other_path[:-1])} has "{other}" ({before}), and an address is listened on once only'
            )
            yield Finding("config.duplicate-listener", "error", place, what, why, "remove one of the two")
            break


def _collide(one: Address, other: Address) -> bool:
    if one.port != other.port or one.port == 0 or one.is_ipv6 != other.is_ipv6:
        return False
    return one.host == other.host or one.is_wildcard or other.is_wildcard


def _proxies(config: Config) -> Iterator[Finding]:
    """Balancers that may be anybody."""
    for section in _PROXIED:
        for index, network in enumerate(getattr(config, section).proxy_protocol_from):
            if network.prefixlen == 0:
                place = config.source.place((section, "proxy_protocol_from", index))
                what = f'"{network}" in {section}.proxy_protocol_from'
                why = "whoever connects may claim any address, and is counted and blocked as that one"
                yield Finding("config.open-proxies", "warning", place, what, why, "name the balancers alone")


def _certificates(config: Config) -> Iterator[Finding]:
    for host in config.domains:
        table = config.table_of(host.name)
        if host.key and not host.certificate:
            yield Finding(
                "config.key-without-certificate",
                "error",
                config.source.place((*table, "key")),
                dotted((*table, "key")),
                "a key without its certificate is of no use",
                "add certificate = the file of the certificate with its chain",
            )
        elif (
            host.kind is DomainKind.ACCOUNTS
            and not host.certificate
            and not config.tls.certificates
            and is_public(config)
        ):
            yield Finding(
                "config.no-certificate",
                "warning",
                config.source.place(("hosts", host.name)),
                f'host "{host.name}"',
                "it is reached from other machines and has a self-made certificate, which clients distrust",
                "set certificate and key of the host, or the folder tls.certificates",
            )


def _shown_by(config: Config) -> Iterator[Finding]:
    """Components that a host shall show among its own, and that host."""
    for component in config.components.values():
        if component.host is None or component.host in config.hosts:
            continue
        path = (*config.table_of(component.name), "host")
        what, why = f'{dotted(path)} = "{component.host}"', "there is no such host"
        near = nearest(component.host, config.hosts)
        remedy = (
            f'did you mean "{near}"?' if near else f"write one of {', '.join(config.hosts)}, or remove it"
        )
        yield Finding("config.unknown-host", "error", config.source.place(path), what, why, remedy)


def _shared_connections(config: Config) -> Iterator[Finding]:
    """Components that are one name more of another's program, and that program."""
    others = {name for name, each in config.components.items() if each.secret or each.secret_file}
    for component in config.components.values():
        if component.connection_of is None or component.connection_of in others:
            continue
        path = (*config.table_of(component.name), "connection_of")
        what = f'{dotted(path)} = "{component.connection_of}"'
        why = "there is no such component with a secret of its own"
        near = nearest(component.connection_of, others)
        remedy = f'did you mean "{near}"?' if near else "name one that has secret or secret_file"
        yield Finding("config.unknown-component", "error", config.source.place(path), what, why, remedy)


def _plain_components(config: Config) -> Iterator[Finding]:
    """Components that come from other machines: their protocol has no TLS."""
    for path, address in _of_components(config):
        if not address.is_loopback:
            place, what = config.source.place(path), f'"{address}" in components.listen'
            why = "components speak without TLS, so all that they send and get crosses the network readable by anyone"
            remedy = "listen on 127.0.0.1, and let programs on other machines come through a tunnel (ssh, WireGuard)"
            yield Finding("config.plain-components", "warning", place, what, why, remedy)


def _open_monitoring(config: Config) -> Iterator[Finding]:
    """Metrics that other machines may read."""
    for path, address in _of_monitoring(config):
        if not address.is_loopback:
            place, what = config.source.place(path), f'"{address}" in metrics.listen'
            why = "whoever reaches it reads how many are logged in where, and which domains are talked to how much"
            remedy = "listen on 127.0.0.1, or see to it that only the monitoring system reaches the address"
            yield Finding("config.open-metrics", "warning", place, what, why, remedy)


def _admins(config: Config) -> Iterator[Finding]:
    """Administrators whose accounts would be on a component."""
    tables: list[tuple[Path, tuple[str, ...]]] = [((), config.admins)]
    tables += ((config.table_of(domain.name), domain.admins) for domain in config.domains)
    for table, admins in tables:
        for index, admin in enumerate(admins):
            domain, path = admin.rpartition("@")[2], (*table, "admins")
            if domain in config.components and config.source.has(path):
                place = config.source.place((*path, index))
                why = f"{domain} is a component and has no accounts"
                remedy = f"name an account of {' or '.join(config.hosts)}"
                yield Finding("config.bad-jid", "error", place, f'"{admin}" in {dotted(path)}', why, remedy)


def _client_certificates(config: Config) -> Iterator[Finding]:
    for host in config.hosts.values():
        if host.client_certificates and not host.client_ca:
            yield Finding(
                "config.missing-key",
                "error",
                config.source.place(("hosts", host.name, "client_certificates")),
                f'client_certificates for host "{host.name}"',
                "nobody could come in, since no issuer of client certificates is named",
                "add client_ca = the file of their issuers, or remove client_certificates",
            )


def _plain_passwords(config: Config) -> Iterator[Finding]:
    for host in config.hosts.values():
        if not host.c2s.allow_plain_without_tls:
            continue
        own = ("hosts", host.name, "c2s", "allow_plain_without_tls")
        path = own if config.source.has(own) else own[2:]
        place, what = config.source.place(path), f'allow_plain_without_tls for host "{host.name}"'
        if host.c2s.require_tls:
            why = "it has no effect, since require_tls is true"
            yield Finding("config.no-effect", "warning", place, what, why, "remove it")
        elif is_public(config):
            why = "passwords cross the network readable by anyone"
            remedy = "set require_tls = true, or listen on 127.0.0.1 and [::1] only"
            yield Finding("config.plain-passwords", "warning", place, what, why, remedy)


def _elsewhere(config: Config) -> Iterator[Finding]:
    """Hosts whose clients are known elsewhere, without a word where that is."""
    for host in config.hosts.values():
        table = ("hosts", host.name)
        place = config.source.place((*table, "auth"))
        what = f'auth = "{host.auth}" for host "{host.name}"'
        if host.auth in ("ldap", "http", "oauth") and host.asked_elsewhere is None:
            remedy = f"add the table [{dotted((*table, f'auth_{host.auth}'))}]"
            yield Finding("config.missing-key", "error", place, what, "nothing says where that is", remedy)
        elif host.auth == "oauth" and host.auth_oauth is not None:
            yield from _oauth(config, host.auth_oauth, (*table, "auth_oauth"), what)


def _oauth(config: Config, oauth: OAuth, table: Path, what: str) -> Iterator[Finding]:
    place = config.source.place(table)
    if (oauth.introspection_url is None) is (oauth.jwks_url is None):
        why, remedy = (
            "a token is asked about, or looked at here",
            "set introspection_url or jwks_url, not both",
        )
        yield Finding("config.missing-key", "error", place, what, why, remedy)
    elif oauth.jwks_url is not None and not (oauth.issuer and oauth.audience):
        why = "any token of that server's would do, whoever it was meant for"
        yield Finding("config.missing-key", "error", place, what, why, "set issuer and audience")
