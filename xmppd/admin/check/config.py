"""``config.*``: what is wrong in the configuration file itself."""

import ssl
from collections.abc import Iterator

from xmppd.admin.check.subject import Subject
from xmppd.admin.log_file import try_log_file
from xmppd.core.config.cross import is_public
from xmppd.core.config.findings import Finding
from xmppd.core.config.lines import Path
from xmppd.core.config.modules import check_modules
from xmppd.core.config.read import DEFAULT_HOST

NAME_FINDINGS = "name."


def check_config(subject: Subject) -> Iterator[Finding]:
    """Give all that reading the file found, but for domain names; then modules, ciphers, reach, components."""
    yield from (found for found in subject.reading.findings if not found.id.startswith(NAME_FINDINGS))
    if subject.modules is not None:
        yield from check_modules(subject.config, subject.modules)
    yield from _ciphers(subject)
    yield from _log_file(subject)
    yield from _reach(subject)
    yield from _components(subject)


def _ciphers(subject: Subject) -> Iterator[Finding]:
    source = subject.config.source
    written: dict[Path, str] = {("tls", "ciphers"): subject.config.tls.ciphers}
    for host in subject.config.hosts.values():
        if source.has(("hosts", host.name, "tls", "ciphers")):
            written["hosts", host.name, "tls", "ciphers"] = host.tls.ciphers
    for path, ciphers in written.items():
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(ciphers)
        except (ssl.SSLError, ValueError):
            what, why = f'ciphers = "{ciphers}"', "OpenSSL selects no cipher by these words"
            remedy = 'try them with "openssl ciphers", or remove the line'
            yield Finding("config.bad-ciphers", "error", source.place(path), what, why, remedy)


def _log_file(subject: Subject) -> Iterator[Finding]:
    finding = try_log_file(subject.config)
    if finding is not None:
        yield finding


def _reach(subject: Subject) -> Iterator[Finding]:
    """Hosts for the world behind listeners for this machine alone."""
    config = subject.config
    abroad = [name for name in config.hosts if name != DEFAULT_HOST]
    if not abroad or is_public(config) or not (config.c2s.listen or config.c2s.direct_tls_listen):
        return
    why = "all listeners are for this machine alone, nobody else can connect"
    remedy = 'set c2s.listen = ["0.0.0.0:5222", "[::]:5222"]'
    place = config.source.place(("c2s", "listen"))
    if not config.source.has(("c2s",)):
        place = config.source.place(("hosts", abroad[0]))
    yield Finding("config.loopback-only", "warning", place, f'host "{abroad[0]}"', why, remedy)


def _components(subject: Subject) -> Iterator[Finding]:
    """TODO: services with a domain name of their own; until then nobody shall wait for one."""
    for name in subject.config.components:
        place, what = subject.config.source.place(("components", name)), f'component "{name}"'
        why = "this version serves hosts only, so it has no effect"
        remedy = "remove it, or leave it for a later version"
        yield Finding("config.no-effect", "warning", place, what, why, remedy)
