"""From what pydantic says about a value to a finding in our words."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

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
from xmppd.config.section import Mistake
from xmppd.config.source import Source

Problem = tuple[Path, Finding]
"""A finding, with the path of the value that is wrong."""

MAX_SHOWN = 40
"""Characters of a wrong value that are repeated."""

NAMED_TABLES = ("hosts", "components")
"""The sections whose tables have domain names."""

UNQUOTED_NAME = "config.unquoted-name"
MISSING = "config.missing-key"

_SECRET_KEYS = ("secret", "password")
_OF_CLIENTS = HostOptions.model_fields.keys() - ComponentOptions.model_fields.keys()
"""What only a host has."""

_WANTED = {
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list in brackets",
    "list_type": "a list in brackets",
    "set_type": "a list in brackets",
    "frozen_set_type": "a list in brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "is_instance_of": "a path in quotes",
    "path_type": "a path in quotes",
}

_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


def problems_of(error: ValidationError, above: Sequence[str | int], source: Source) -> list[Problem]:
    """Word all mistakes of a table of the configuration itself, which stands at the path *above*."""
    problems = []
    for details in error.errors(include_url=False):
        path = (*above, *details["loc"])
        if details["type"] == "extra_forbidden":
            finding = _unknown_key(path, details["input"], source)
            problems.append((path[:2] if finding.id == UNQUOTED_NAME else path, finding))
        else:
            problems.append((path, value_finding(details, path, option_at(path), source)))
    return problems


def value_finding(details: ErrorDetails, path: Path, field: FieldInfo | None, source: Source) -> Finding:
    """Word what is wrong with the value at *path*, whose option *field* describes where it is known."""
    kind, context = details["type"], details.get("ctx", {})
    example = _example(path, field)
    if kind == "missing":
        return Finding(MISSING, "error", source.place(path), dotted(path), "it is needed", "add the key")
    what = f"{dotted(path)} = {_shown(path, details['input'])}"
    identifier, why, remedy = _words(kind, context, details["msg"], example)
    return Finding(identifier, "error", source.place(path), what, why, remedy)


def _words(kind: str, context: Mapping[str, object], message: str, example: str) -> tuple[str, str, str]:
    """Give identifier, reason and remedy."""
    mistake = context.get("error")
    if isinstance(mistake, Mistake):
        return mistake.id, mistake.why, mistake.remedy
    if kind in _WANTED:
        return "config.wrong-type", f"{_WANTED[kind]} is wanted", f"write {_WANTED[kind]}{example}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = f"{words} {context[name]:,.12g}".replace(",", "_")
        return "config.out-of-range", f"it must be {bound}", f"write a number of {bound}{example}"
    if kind == "literal_error":
        choice = str(context["expected"]).replace("'", '"')
        return "config.bad-value", "there is no such choice", f"write {choice}"
    why = message.removeprefix("Value error, ")
    return "config.bad-value", why[:1].lower() + why[1:], f"write another value{example}"


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
