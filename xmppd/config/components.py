"""What can only be told from several keys of a component's table: whether it is inside or outside, and is meant so."""

from collections.abc import Iterator, Mapping
from typing import Final

from xmppd.config.findings import Finding, Severity
from xmppd.config.kinds import DomainKind
from xmppd.config.lines import Path
from xmppd.config.options import ComponentOptions, DomainOptions
from xmppd.config.problems import Problem
from xmppd.config.schema import dotted
from xmppd.config.source import Source
from xmppd.config.table import MISSING

_WAYS: Final = ("module", "secret", "secret_file", "connection_of")
"""What makes a component; each has exactly one of them."""
_OF_PROGRAMS: Final = ("conflict", "queue")
"""What is for a program outside alone."""


def kind_of_component(options: DomainOptions) -> DomainKind:
    """Say of which kind the component with these *options* is."""
    is_inside = isinstance(options, ComponentOptions) and options.module is not None
    return DomainKind.SERVICE if is_inside else DomainKind.COMPONENT


def component_problems(path: Path, table: Mapping[str, object], source: Source) -> Iterator[Problem]:
    """Look at the *table* of a component, which stands at *path*, as it is written."""
    ways = [key for key in _WAYS if key in table]
    if not ways:
        why = "neither a module nor a secret says what the service is"
        remedy = 'add module = "NAME" for a service of this server, or secret_file = "FILE" for a program that connects'
        yield _problem(path, MISSING, source, why, remedy)
    for key in ways[1:]:
        why = (
            f"{ways[0]} stands there too, and a component is either a module here or a program with a secret"
        )
        if key != "module" and ways[0] != "module":
            why = f"{ways[0]} stands there too"
        yield _problem((*path, key), "config.conflicting-keys", source, why, "remove one of the two")
    if ways[:1] == ["module"]:
        for key in (key for key in _OF_PROGRAMS if key in table):
            why = "it is for programs that connect, and this service is a module of this server"
            yield _problem((*path, key), "config.no-effect", source, why, "remove it", "warning")


def _problem(
    path: Path, identifier: str, source: Source, why: str, remedy: str, severity: Severity = "error"
) -> Problem:
    return path, Finding(identifier, severity, source.place(path), dotted(path), why, remedy)
