"""What is wrong with components: their secrets above all, with which anybody is the service; rights of nobody."""

from collections.abc import Iterator

from xmppd.admin.check.secrets import check_secret
from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding
from xmppd.config.lines import Path as KeyPath
from xmppd.config.schema import dotted
from xmppd.modules.delegation.module import DelegationOptions
from xmppd.modules.privilege.options import PrivilegeOptions


def check_components(subject: Subject) -> Iterator[Finding]:
    """Look at the secrets of programs that connect, and at who is given rights (XEP-0355, XEP-0356)."""
    config = subject.config
    for component in config.components.values():
        table = config.table_of(component.name)
        yield from check_secret(config, table, component.secret, component.secret_file)
    for host in config.hosts.values():
        yield from _rights(subject, host.name)


def _rights(subject: Subject, host: str) -> Iterator[Finding]:
    """Look for rights of components that are not there, or are modules of this server, which need none."""
    config = subject.config
    privileges, _ = config.module_options("privilege", PrivilegeOptions, host)
    delegation, _ = config.module_options("delegation", DelegationOptions, host)
    named: list[tuple[KeyPath, str]] = []
    if isinstance(privileges, PrivilegeOptions):
        named += [(("privilege", "components", name), name) for name in privileges.components]
    if isinstance(delegation, DelegationOptions):
        named += [
            (("delegation", "namespaces", ns, "to"), each.to) for ns, each in delegation.namespaces.items()
        ]
    for path, name in named:
        component = config.components.get(name)
        if component is not None and component.module is None:
            continue
        whole = (*config.table_of(host), "modules", *path)
        whole = whole if config.source.has(whole) else ("modules", *path)
        what = "is a module of this server" if component is not None else "is no component here"
        why, remedy = (
            f"{name} {what}, and nobody gets these rights",
            f'add [components."{name}"], or remove them',
        )
        yield Finding(
            "config.unknown-component", "warning", config.source.place(whole), dotted(whole), why, remedy
        )
