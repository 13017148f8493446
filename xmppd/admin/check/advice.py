"""``config.*``: what is right in the file, and hardly meant."""

from collections.abc import Iterator

from xmppd.admin.check.subject import Subject
from xmppd.config.cross import is_public
from xmppd.config.findings import Finding
from xmppd.config.kinds import DomainKind
from xmppd.config.model import is_local
from xmppd.config.schema import dotted

REGISTER = "register"
OPEN = "allow_registration"


def check_advice(subject: Subject) -> Iterator[Finding]:
    """Look at what strangers may do, what is lost with the process, and domains that stand for themselves."""
    yield from _disabled(subject)
    yield from _volatile(subject)
    yield from _registration(subject)
    yield from _strangers(subject)
    yield from _unlinked(subject)


def _disabled(subject: Subject) -> Iterator[Finding]:
    config = subject.config
    for path in config.disabled:
        place, what = config.source.place((*path, "enabled")), dotted(path)
        why = "it is not served, since enabled is false, and nothing else of it is checked"
        yield Finding("config.disabled", "note", place, what, why, "remove the line to serve it")
    if config.disabled and not config.hosts:
        place = config.source.place((*config.disabled[0], "enabled"))
        why, remedy = "no host is left to be served", "enable one"
        yield Finding("config.no-host", "error", place, "enabled = false", why, remedy)


def _volatile(subject: Subject) -> Iterator[Finding]:
    config = subject.config
    if config.storage_file is None:
        place, what = config.source.place(("storage", "url")), f'storage.url = "{config.storage.url}"'
        why = "all accounts and messages are lost when the server ends"
        yield Finding("config.volatile", "warning", place, what, why, 'write url = "sqlite:xmppd.sqlite"')


def _registration(subject: Subject) -> Iterator[Finding]:
    """Anybody may make accounts, and spammers do."""
    config = subject.config
    if not is_public(config):
        return
    for host in config.hosts.values():
        table = host.modules.get(REGISTER)
        own, above = ("hosts", host.name, "modules", REGISTER, OPEN), ("modules", REGISTER, OPEN)
        if table is not None and (table.model_extra or {}).get(OPEN) is True:
            place = config.source.place(own if config.source.has(own) else above)
            why = f"anybody may make accounts at {host.name}, and spammers will"
            remedy = "make accounts by xmppctl user add, or keep watch over what is registered"
            yield Finding("config.open-registration", "warning", place, f"{OPEN} = true", why, remedy)


def _strangers(subject: Subject) -> Iterator[Finding]:
    config = subject.config
    if not config.is_federated:
        return
    for option, is_wrong, why in (
        (
            "require_certificate",
            not config.s2s.require_certificate,
            "other servers need not prove their names",
        ),
        (
            "require_tls",
            not config.s2s.require_tls,
            "what is said with other servers may cross the wire readable",
        ),
    ):
        if is_wrong:
            path = ("s2s", option)
            place, what = config.source.place(path), f"s2s.{option} = false"
            remedy = 'remove it, and exempt single servers by [s2s.domains."NAME"]'
            yield Finding("config.untrusted-servers", "warning", place, what, why, remedy)


def _unlinked(subject: Subject) -> Iterator[Finding]:
    """Services that no host shows: users do not find them."""
    config = subject.config
    if all(is_local(host) for host in config.hosts):
        return
    for component in config.components.values():
        is_below = any(component.name.endswith(f".{host}") for host in config.hosts)
        is_another = component.kind is DomainKind.COMPONENT and component.connection_of is not None
        if component.host is None and not is_below and not is_another and not is_local(component.name):
            path = config.table_of(component.name)
            why = "its name is below no host's, so that no host shows it to its users"
            remedy = f'write host = "{next(iter(config.hosts), "example.org")}" there'
            yield Finding(
                "config.unlinked-component", "warning", config.source.place(path), dotted(path), why, remedy
            )
