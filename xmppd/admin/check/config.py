"""``config.*``: what is wrong in the configuration file itself."""

from collections.abc import Iterator

from xmppd.admin.check.advice import check_advice
from xmppd.admin.check.components import check_components
from xmppd.admin.check.external_services import check_external_secrets
from xmppd.admin.check.reach import check_reach
from xmppd.admin.check.rights import check_rights
from xmppd.admin.check.subject import Subject
from xmppd.admin.check.uploads import check_upload_secrets
from xmppd.admin.extras import missing_extras
from xmppd.admin.log_file import try_log_file
from xmppd.config.cross import is_public
from xmppd.config.findings import Finding
from xmppd.config.modules import check_modules
from xmppd.config.read import DEFAULT_HOST
from xmppd.net.tls.options import check_ciphers

NAME_FINDINGS = "name."


def check_config(subject: Subject) -> Iterator[Finding]:
    """Give all that reading the file found, but for domain names; then modules, ciphers, reach, components."""
    yield from (found for found in subject.reading.findings if not found.id.startswith(NAME_FINDINGS))
    if subject.modules is not None:
        yield from check_modules(subject.config, subject.modules)
    yield from check_ciphers(subject.config)
    yield from missing_extras(subject.config)
    yield from _log_file(subject)
    yield from _reach(subject)
    yield from check_components(subject)
    yield from check_external_secrets(subject)
    yield from check_upload_secrets(subject)
    yield from check_reach(subject)
    yield from check_rights(subject)
    yield from check_advice(subject)


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
