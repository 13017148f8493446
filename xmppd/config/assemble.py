"""From the tables that ``tomllib`` gave to typed options, with every mistake on the way."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from xmppd.config.components import component_problems, kind_of_component
from xmppd.config.domains import SHARED, domain_problems
from xmppd.config.findings import Finding
from xmppd.config.kinds import DomainKind
from xmppd.config.limits import KIB
from xmppd.config.lines import Path
from xmppd.config.model import Config
from xmppd.config.numbers import huge_numbers
from xmppd.config.options import (
    ComponentOptions,
    Components,
    DomainOptions,
    HostOptions,
    HostSettings,
    ServerOptions,
)
from xmppd.config.problems import (
    NAMED_TABLES,
    UNQUOTED_NAME,
    Problem,
    problems_of,
    server_wide_finding,
)
from xmppd.config.schema import dotted, is_server_wide, nearest_beside
from xmppd.config.section import Section
from xmppd.config.source import Source
from xmppd.config.table import MISSING
from xmppd.config.values import Invalid

_OVERLAID = {"tls": 1, "c2s": 1, "limits": 1, "modules": 2, "rights": 1}
"""The sections that a domain may have for itself, and how deep the tables are laid over the server's."""

Typed = TypeVar("Typed", bound=Section)


_COMPONENTS_LIMITS: Final = {"stanza_bytes": 512 * KIB}
"""What a component may do more than others where the file says nothing: it wraps the stanzas of others."""
_UNKNOWN: Final = ("config.unknown-key", UNQUOTED_NAME)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the two kinds of tables with domain names."""

    section: str
    options: type[DomainOptions]
    of: Callable[[DomainOptions], DomainKind]
    look: Callable[[Path, Mapping[str, object], Source], Iterable[Problem]]
    """What can only be told from several keys of a table as it is written."""


_HOSTS: Final = _Kind("hosts", HostOptions, lambda _: DomainKind.ACCOUNTS, lambda *_: ())
_COMPONENTS: Final = _Kind("components", ComponentOptions, kind_of_component, component_problems)


def assemble(
    raw: Mapping[str, object], fallback: Mapping[str, object], source: Source
) -> tuple[Config | None, list[Problem]]:
    """Make a configuration of what is right in *raw*, and give what is not.

    What *raw* has not at its top, or has wrong, is taken from *fallback*.
    """
    huge = list(huge_numbers(raw, source))
    raw = without(raw, {path for path, _ in huge}) if huge else raw
    config, found = _attempt({**fallback, **raw}, source)
    problems = [*huge, *found]
    if not found:
        return config, problems
    rest, _ = _attempt({**fallback, **without(raw, {path for path, _ in found})}, source)
    return rest, problems


def without(value: object, wrong: Collection[Path], here: Path = ()) -> Any:
    """Copy nested tables and arrays, leaving out what stands at the paths *wrong*."""
    if isinstance(value, dict):
        return {
            key: without(below, wrong, (*here, key))
            for key, below in value.items()
            if (*here, key) not in wrong
        }
    if isinstance(value, list):
        return [
            without(below, wrong, (*here, index))
            for index, below in enumerate(value)
            if (*here, index) not in wrong
        ]
    return value


def _attempt(raw: Mapping[str, object], source: Source) -> tuple[Config | None, list[Problem]]:
    problems: list[Problem] = []
    server = {key: value for key, value in raw.items() if key not in NAMED_TABLES}
    options, found = _validated(ServerOptions, server, (), source)
    problems += found
    hosts, found = _domains(_HOSTS, raw, source)
    problems += found
    components, found = _domains(_COMPONENTS, raw, source)
    problems += found
    shared, found = _shared(raw, source)
    problems += found
    problems += domain_problems(raw, source)
    if options is None or hosts is None or components is None or shared is None:
        return None, problems
    disabled = _disabled(raw)
    return Config.assemble(options, hosts, components, shared, source, disabled), problems


def _disabled(raw: Mapping[str, object]) -> tuple[Path, ...]:
    """Give the tables of domains that are not to be served."""
    return tuple(
        (section, name)
        for section in NAMED_TABLES
        for name, table in _dict(raw.get(section)).items()
        if _dict(table).get("enabled") is False
    )


def _dict(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _validated(
    model: type[Typed], table: object, above: Path, source: Source
) -> tuple[Typed | None, list[Problem]]:
    try:
        return model.model_validate(table, source.folder), []
    except Invalid as error:
        return None, problems_of(error, above, source)


def _tables(
    raw: Mapping[str, object], section: str, source: Source
) -> tuple[dict[str, object] | None, list[Problem]]:
    """Give the tables of a section by their names; wrong is a section that is no table."""
    tables = raw.get(section, {})
    if isinstance(tables, dict):
        return tables, []
    finding = Finding(
        "config.wrong-type",
        "error",
        source.place((section,)),
        section,
        "a table for each name is wanted",
        f'write [{section}."NAME"], with a name such as "example.org"',
    )
    return None, [((section,), finding)]


def _shared(raw: Mapping[str, object], source: Source) -> tuple[Components | None, list[Problem]]:
    """Validate what stands in ``[components]`` itself."""
    tables = raw.get("components", {})
    own = {key: tables[key] for key in Components.model_fields if isinstance(tables, dict) and key in tables}
    return _validated(Components, own, ("components",), source)


def _domains(
    kind: _Kind, raw: Mapping[str, object], source: Source
) -> tuple[dict[str, HostSettings] | None, list[Problem]]:
    """Validate the tables of hosts, or of components."""
    tables, problems = _tables(raw, kind.section, source)
    domains: dict[str, HostSettings] = {}
    is_whole = tables is not None
    for name, table in (tables or {}).items():
        if (kind.section, name) in SHARED:
            continue
        domain, found = _domain(kind, name, table, raw, source)
        problems += found
        is_whole = is_whole and domain is not None
        if domain and domain.enabled:
            domains[name] = domain
    return (domains if is_whole else None), problems


def _domain(
    kind: _Kind, name: str, table: object, raw: Mapping[str, object], source: Source
) -> tuple[HostSettings | None, list[Problem]]:
    """Validate a domain's table laid over the server's options; only what the domain says itself is told."""
    above: Path = (kind.section, name)
    if not isinstance(table, dict):
        return None, [_no_table(above, source)] if nearest_beside(above) else _validated(
            kind.options, table, above, source
        )[1]
    sections = [section for section in _OVERLAID if section in kind.options.model_fields]
    effective = {"admins": raw.get("admins", []), "members": raw.get("members", []), **table}
    for section in sections:
        whole = raw.get(section, {})
        if section == "limits" and kind is _COMPONENTS:
            whole = _overlay(_COMPONENTS_LIMITS, whole, 1)
        effective[section] = _overlay(whole, table.get(section, {}), _OVERLAID[section])
    options, found = _validated(kind.options, effective, above, source)
    problems = [problem for problem in found if _is_in(table, problem[0][len(above) :])]
    problems += _server_wide(table, sections, above, source)
    may_be_misspelt = any(finding.id in _UNKNOWN for _, finding in problems)
    problems += (
        each for each in kind.look(above, table, source) if not (may_be_misspelt and each[1].id == MISSING)
    )
    if options is None:
        return None, problems
    parts = {key: getattr(options, key) for key in kind.options.model_fields}
    return HostSettings.model_construct(name=name, kind=kind.of(options), **parts), problems


def _no_table(path: Path, source: Source) -> Problem:
    """Word that what is no table has nearly the name of an option."""
    finding = Finding(
        "config.unknown-key",
        "error",
        source.place(path),
        f"unknown option {dotted(path)}",
        "there is no such option",
        f"did you mean {dotted((*path[:-1], nearest_beside(path) or ''))}?",
    )
    return path, finding


def _overlay(whole: object, own: object, depth: int) -> Any:
    if depth == 0 or not isinstance(own, dict) or not isinstance(whole, dict):
        return own
    below = {
        key: _overlay(whole[key], value, depth - 1) if key in whole else value for key, value in own.items()
    }
    return {**whole, **below}


def _is_in(table: object, path: Sequence[str | int]) -> bool:
    """Say whether nested tables and arrays have something at *path*."""
    for key in path:
        if isinstance(table, dict):
            if key not in table:
                return False
            table = table[key]
        elif isinstance(table, list) and isinstance(key, int) and key < len(table):
            table = table[key]
        else:
            return False
    return True


def _server_wide(
    table: Mapping[str, object], sections: Sequence[str], above: Path, source: Source
) -> list[Problem]:
    """Options of an overlaid section that no domain can have for itself."""
    paths = [
        (*above, section, key)
        for section in sections
        for key in _keys(table.get(section))
        if is_server_wide((section, key))
    ]
    return [(path, server_wide_finding(path, source)) for path in paths]


def _keys(table: object) -> list[str]:
    return list(table) if isinstance(table, dict) else []
