"""Whether what users are told of (XEP-0215) can be reached, and what is shared with it is a secret."""

import ipaddress
from collections.abc import Iterator

from xmppd.admin.check.secrets import check_secret
from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding
from xmppd.config.lines import Path as KeyPath
from xmppd.config.model import Config, is_local
from xmppd.config.module_options import module_path
from xmppd.config.schema import dotted
from xmppd.core.outgoing import CannotResolve
from xmppd.modules.external_services import ExternalService, ExternalServicesOptions

NAME = "external_services"


def check_external_secrets(subject: Subject) -> Iterator[Finding]:
    """Look at the secrets: whoever has one uses the relay as anybody."""
    for table, service in external_services(subject):
        yield from check_secret(subject.config, table, service.secret, service.secret_file)


def check_external_names(subject: Subject) -> Iterator[Finding]:
    """``dns.*``: look up the names, which clients do too."""
    servers = subject.config.s2s.resolvers
    for table, service in external_services(subject):
        if is_local(service.host) or _is_address(service.host):
            continue
        path = (*table, "host")
        place, what = subject.config.source.place(path), f'{dotted(path)} = "{service.host}"'
        try:
            if not subject.machine.addresses(service.host, servers):
                why, remedy = (
                    "this name has no address, so no client reaches it",
                    "correct the name, or its DNS",
                )
                yield Finding("dns.not-found", "warning", place, what, why, remedy)
        except CannotResolve as problem:
            remedy = "check the name servers of this machine, or leave this check out with --offline"
            yield Finding("dns.no-answer", "warning", place, what, str(problem), remedy)


def has_external_services(config: Config, host: str) -> bool:
    """Whether the users of a host are told of any."""
    options, _ = config.module_options(NAME, ExternalServicesOptions, host)
    return options is not None and bool(options.services)


def external_services(subject: Subject) -> Iterator[tuple[KeyPath, ExternalService]]:
    """Give what each host tells its users of, once where hosts share it; wrong options are told elsewhere."""
    config = subject.config
    seen: set[KeyPath] = set()
    for host in config.hosts:
        options, _ = config.module_options(NAME, ExternalServicesOptions, host)
        for name, service in options.services.items() if options is not None else ():
            table = module_path(NAME, ("services", name), config.source, config.table_of(host))
            if table not in seen:
                seen.add(table)
                yield table, service


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
