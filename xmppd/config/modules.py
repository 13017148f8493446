"""Whether the modules that a configuration names are there, serve what they are named for, and have right options."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xmppd.config.findings import Finding, in_order
from xmppd.config.kinds import ACCOUNTS_ONLY, DomainKind
from xmppd.config.lines import Path
from xmppd.config.model import Config
from xmppd.config.module_options import module_path, unknown_module
from xmppd.config.options import HostSettings
from xmppd.config.schema import dotted, nearest
from xmppd.config.table import Table


@dataclass(frozen=True, slots=True)
class KnownModule:
    """What a check of the configuration knows of a module."""

    options: type[Table] | None = None
    """The model of its options; None for a module without."""
    for_hosts: frozenset[DomainKind] = ACCOUNTS_ONLY
    """The kinds of domain that it serves."""
    is_service: bool = False
    """Whether it can be a service with a domain name of its own."""
    is_default: bool = True
    """Whether it is there unless the configuration says otherwise."""
    problem: str = ""
    """Why it cannot be used; empty where it can."""


Known = Mapping[str, KnownModule]


def check_modules(config: Config, known: Known) -> list[Finding]:
    """Look at every ``[modules.NAME]`` of the server and of each domain, and at the module that a component is."""
    findings: list[Finding] = []
    for domain in (None, *config.domains):
        name_of_domain = None if domain is None else domain.name
        above: Path = () if domain is None else config.table_of(domain.name)
        for name in config.modules if domain is None else domain.modules:
            if name not in known:
                findings.append(unknown_module(name, known, config.source, above))
            elif known[name].problem:
                findings.append(_unusable(config, module_path(name, (), config.source, above), known[name]))
            else:
                model = known[name].options or _NoOptions
                findings += config.module_options(name, model, name_of_domain)[1]
        if domain is None:
            findings += _without_effect(config, known)
        else:
            findings += _of_domain(config, domain, above, known)
    return in_order(findings)


def _unusable(config: Config, path: Path, module: KnownModule) -> Finding:
    remedy = "mend or install what it needs, or remove this"
    return Finding(
        "config.unusable-module", "error", config.source.place(path), dotted(path), module.problem, remedy
    )


def _without_effect(config: Config, known: Known) -> Iterator[Finding]:
    """Modules turned on for the server that are no part of any host."""
    for name, table in config.modules.items():
        if table.enabled and name in known and DomainKind.ACCOUNTS not in known[name].for_hosts:
            path = ("modules", name, "enabled")
            why, remedy = _OWN_DOMAIN, f'write [components."NAME"] with module = "{name}"'
            yield Finding("config.no-effect", "warning", config.source.place(path), dotted(path), why, remedy)


def _of_domain(config: Config, domain: HostSettings, above: Path, known: Known) -> Iterator[Finding]:
    if domain.kind is DomainKind.SERVICE:
        yield from _service(config, domain, above, known)
    for name in domain.modules:
        path = (*above, "modules", name)
        if name in known and config.source.has(path) and domain.kind not in known[name].for_hosts:
            why, remedy = _not_for(domain.kind, name, known[name])
            place = config.source.place(path)
            yield Finding("config.wrong-module", "error", place, dotted(path), why, remedy)


def _not_for(kind: DomainKind, name: str, module: KnownModule) -> tuple[str, str]:
    if kind is DomainKind.COMPONENT:
        return "the program that connects answers for itself, no module is loaded", "remove it"
    if kind is DomainKind.SERVICE:
        return f"the module {name} is for hosts with accounts only", "remove it, or write it below a host"
    return _OWN_DOMAIN, f'write [components."NAME"] with module = "{name}"'


def _service(config: Config, domain: HostSettings, above: Path, known: Known) -> Iterator[Finding]:
    """The module that a component is."""
    path, name = (*above, "module"), domain.module or ""
    what, place = f'{dotted(path)} = "{name}"', config.source.place(path)
    if name in known and known[name].problem:
        yield _unusable(config, path, known[name])
        return
    services = sorted(each for each, module in known.items() if module.is_service)
    if name not in services and config.source.has(path):  # what is there by default is not the user's mistake
        near = nearest(name, services)
        identifier, why = "config.wrong-module", "this module is no service with a domain name of its own"
        if name not in known:
            identifier, why = "config.unknown-module", "there is no module of this name"
        remedy = (
            f'did you mean "{near}"?'
            if near
            else f"write one of {', '.join(services)}"
            if services
            else _NONE
        )
        yield Finding(identifier, "error", place, what, why, remedy)
    elif name in domain.modules and domain.modules[name].enabled is False:
        where = config.source.place((*above, "modules", name, "enabled"))
        if not config.source.has((*above, "modules", name, "enabled")):
            where = config.source.place(("modules", name, "enabled"))
        why, remedy = f"modules.{name}.enabled is false ({where})", "remove one of the two"
        yield Finding("config.conflicting-keys", "error", place, what, why, remedy)


_OWN_DOMAIN = "this module is a service with a domain name of its own, and no part of a host"
_NONE = "remove the component: this server has no module that is such a service"


class _NoOptions(Table):
    """For a module that has none."""
