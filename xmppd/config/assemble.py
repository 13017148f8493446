"""From the tables that ``tomllib`` gave to typed options, with every mistake on the way."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from xmppd.config.domains import domain_problems
from xmppd.config.findings import Finding
from xmppd.config.lines import Path
from xmppd.config.model import Config
from xmppd.config.numbers import huge_numbers
from xmppd.config.options import Component, HostOptions, HostSettings, ServerOptions
from xmppd.config.problems import NAMED_TABLES, Problem, problems_of, server_wide_finding
from xmppd.config.schema import is_server_wide
from xmppd.config.section import Section
from xmppd.config.source import Source

_OVERLAID = {"tls": 1, "c2s": 1, "limits": 1, "modules": 2}
"""The sections that a host may have for itself, and how deep the tables are laid over the server's."""

Typed = TypeVar("Typed", bound=Section)


def assemble(
    raw: Mapping[str, Any], fallback: Mapping[str, Any], source: Source
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


def without(value: Any, wrong: Collection[Path], here: Path = ()) -> Any:
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


def _attempt(raw: Mapping[str, Any], source: Source) -> tuple[Config | None, list[Problem]]:
    problems: list[Problem] = []
    server = {key: value for key, value in raw.items() if key not in NAMED_TABLES}
    options, found = _validated(ServerOptions, server, (), source)
    problems += found
    hosts, found = _hosts(raw, source)
    problems += found
    components, found = _components(raw, source)
    problems += found
    problems += domain_problems(raw, source)
    if options is None or hosts is None or components is None:
        return None, problems
    return Config.assemble(options, hosts, components, source), problems


def _validated(
    model: type[Typed], table: object, above: Path, source: Source
) -> tuple[Typed | None, list[Problem]]:
    try:
        return model.model_validate(table, context={"folder": source.folder}), []
    except ValidationError as error:
        return None, problems_of(error, above, source)


def _tables(
    raw: Mapping[str, Any], section: str, source: Source
) -> tuple[dict[str, Any] | None, list[Problem]]:
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


def _components(raw: Mapping[str, Any], source: Source) -> tuple[dict[str, Component] | None, list[Problem]]:
    tables, problems = _tables(raw, "components", source)
    components: dict[str, Component] = {}
    for name, table in (tables or {}).items():
        component, found = _validated(Component, table, ("components", name), source)
        problems += found
        if component:
            components[name] = component
    return (None if problems else components), problems


def _hosts(raw: Mapping[str, Any], source: Source) -> tuple[dict[str, HostSettings] | None, list[Problem]]:
    tables, problems = _tables(raw, "hosts", source)
    hosts: dict[str, HostSettings] = {}
    is_whole = tables is not None
    for name, table in (tables or {}).items():
        host, found = _host(name, table, raw, source)
        problems += found
        is_whole = is_whole and host is not None
        if host:
            hosts[name] = host
    return (hosts if is_whole else None), problems


def _host(
    name: str, table: object, raw: Mapping[str, Any], source: Source
) -> tuple[HostSettings | None, list[Problem]]:
    """Validate a host's table laid over the server's options; only what the host says itself is told."""
    above: Path = ("hosts", name)
    if not isinstance(table, dict):
        return None, _validated(HostOptions, table, above, source)[1]
    effective = {"admins": raw.get("admins", []), **table}
    for section, depth in _OVERLAID.items():
        effective[section] = _overlay(raw.get(section, {}), table.get(section, {}), depth)
    options, found = _validated(HostOptions, effective, above, source)
    problems = [problem for problem in found if _is_in(table, problem[0][len(above) :])]
    problems += _server_wide(table, above, source)
    if options is None:
        return None, problems
    parts = {key: getattr(options, key) for key in HostOptions.model_fields}
    return HostSettings.model_construct(name=name, **parts), problems


def _overlay(whole: Any, own: Any, depth: int) -> Any:
    if depth == 0 or not isinstance(own, dict) or not isinstance(whole, dict):
        return own
    below = {
        key: _overlay(whole[key], value, depth - 1) if key in whole else value for key, value in own.items()
    }
    return {**whole, **below}


def _is_in(table: Any, path: Sequence[str | int]) -> bool:
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


def _server_wide(table: Mapping[str, Any], above: Path, source: Source) -> list[Problem]:
    """Options of an overlaid section that no host can have for itself."""
    paths = [
        (*above, section, key)
        for section in _OVERLAID
        if isinstance(table.get(section), dict)
        for key in table[section]
        if is_server_wide((section, key))
    ]
    return [(path, server_wide_finding(path, source)) for path in paths]
