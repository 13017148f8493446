"""From what is wrong with a value to a finding, with its place and what it is called."""

from collections.abc import Mapping, Sequence

from xmppd.config.fields import NEEDED, FieldInfo
from xmppd.config.findings import Finding
from xmppd.config.lines import Path
from xmppd.config.options import ComponentOptions, HostOptions
from xmppd.config.schema import (
    dotted,
    is_server_wide,
    nearest_beside,
    nearest_key,
    option_at,
    quoted,
    toml_value,
)
from xmppd.config.source import Source
from xmppd.config.table import UNKNOWN
from xmppd.config.values import Invalid, Wrong

Problem = tuple[Path, Finding]
"""A finding, with the path of the value that is wrong."""

MAX_SHOWN = 40
"""Characters of a wrong value that are repeated."""

NAMED_TABLES = ("hosts", "components")
"""The sections whose tables have domain names."""

UNQUOTED_NAME = "config.unquoted-name"

_SECRET_KEYS = ("secret", "password")
_OF_CLIENTS = HostOptions.model_fields.keys() - ComponentOptions.model_fields.keys()
"""What only a host has."""


def problems_of(error: Invalid, above: Sequence[str | int], source: Source) -> list[Problem]:
    """Word all mistakes of a table of the configuration itself, which stands at the path *above*."""
    problems = []
    for wrong in error.wrong:
        path = (*above, *wrong.path)
        if wrong.mistake.id == UNKNOWN:
            finding = _unknown_key(path, wrong.value, source)
            problems.append((path[:2] if finding.id == UNQUOTED_NAME else path, finding))
        else:
            problems.append((path, value_finding(wrong, path, option_at(path), source)))
    return problems


def value_finding(wrong: Wrong, path: Path, field: FieldInfo | None, source: Source) -> Finding:
    """Word what is wrong with the value at *path*, whose option *field* describes where it is known."""
    mistake, what = wrong.mistake, dotted(path)
    if wrong.value is not NEEDED:
        what = f"{what} = {_shown(path, wrong.value)}"
    remedy = mistake.remedy + (_example(path, field) if wrong.takes_example else "")
    return Finding(mistake.id, "error", source.place(path), what, mistake.why, remedy)


def _example(path: Path, field: FieldInfo | None) -> str:
    default = toml_value(field.default) if field else None
    return f", such as {path[-1]} = {default}" if default else ""


def _shown(path: Path, value: object) -> str:
    if any(key in _SECRET_KEYS for key in path):
        return "(secret)"
    if isinstance(value, dict):
        return "a table"
    text = toml_value(tuple(value) if isinstance(value, list) else value) or str(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _unknown_key(path: Path, value: object, source: Source) -> Finding:
    place, what = source.place(path), f"unknown option {dotted(path)}"
    if path[0] in NAMED_TABLES and is_server_wide(path[2:]):
        return server_wide_finding(path, source)
    if path[0] == "components" and path[2] in _OF_CLIENTS:
        why = "it is about clients and accounts, and a service has none"
        return Finding("config.host-option", "error", place, dotted(path), why, "remove it")
    if path[0] in NAMED_TABLES and len(path) == 3 and isinstance(value, dict) and not nearest_beside(path):
        remedy = f"write [{path[0]}.{quoted(unquoted_name(path, value))}]"
        why = "a dot in a table's name begins a table below it unless the name is in quotes"
        return Finding(UNQUOTED_NAME, "error", place, what, why, remedy)
    near = nearest_key(path)
    remedy = f"did you mean {near}?" if near else "remove it; the example file lists all options"
    return Finding("config.unknown-key", "error", place, what, "there is no such option", remedy)


def server_wide_finding(path: Path, source: Source) -> Finding:
    """Word that an option stands in a domain's table and holds for the whole server only."""
    kind = str(path[0]).removesuffix("s")
    return Finding(
        "config.server-wide-option",
        "error",
        source.place(path),
        dotted(path),
        f"it holds for the whole server, no {kind} can have its own",
        f"write it outside the {path[0]}, as {dotted(path[2:])}",
    )


def unquoted_name(path: Path, table: Mapping[str, object]) -> str:
    """Put together the name of ``[hosts.chat.example.org]``, which TOML takes for three tables."""
    section, *parts = map(str, path)
    while len(table) == 1:
        key, below = next(iter(table.items()))
        if not isinstance(below, dict) or option_at((section, "", key)):
            break
        parts.append(key)
        table = below
    return ".".join(parts)
