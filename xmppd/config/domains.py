"""The names of hosts and components: each checked, and no two the same."""

from collections.abc import Iterator, Mapping

from xmppd.config.findings import Finding
from xmppd.config.lines import Path
from xmppd.config.names import NameProblem, check_domain
from xmppd.config.problems import NAMED_TABLES, Problem
from xmppd.config.schema import quoted
from xmppd.config.source import Source

_KIND = {"hosts": "host", "components": "component"}
SHARED = frozenset((("components", "listen"),))
"""What stands in such a section and is no domain."""


def domain_problems(raw: Mapping[str, object], source: Source) -> Iterator[Problem]:
    """Look at the names of all tables of hosts and components in a parsed file."""
    seen: dict[str, Path] = {}
    for path in _names(raw):
        name = path[1]
        problem = check_domain(name)
        if problem:
            yield path, _wrong_name(path, problem, source)
        right = problem.spelling if problem and problem.spelling else name
        if right in seen:
            yield path, _same_name(path, seen[right], right, source)
        seen.setdefault(right, path)


def _names(raw: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for section in NAMED_TABLES:
        tables = raw.get(section)
        for name, table in tables.items() if isinstance(tables, dict) else ():
            if isinstance(table, dict) and (section, name) not in SHARED:
                yield section, name


def _wrong_name(path: tuple[str, str], problem: NameProblem, source: Source) -> Finding:
    section, name = path
    remedy = "choose another name, of letters, digits and hyphens between dots"
    if problem.spelling is not None:
        remedy = f"write [{section}.{quoted(problem.spelling)}]"
    if problem.kind == "a-label":
        remedy += " (data stored under the old name are not moved)"
    what = f"{_KIND[section]} {quoted(name)}"
    return Finding(f"name.{problem.kind}", "error", source.place(path), what, problem.why, remedy)


def _same_name(path: tuple[str, str], first: Path, right: str, source: Source) -> Finding:
    section, name = path
    what = f"{_KIND[section]} {quoted(name)}"
    why = f"{_KIND[str(first[0])]} {quoted(str(first[1]))} ({source.place(first)}) is the same as {quoted(right)}"
    if first[1] == right:
        why = f"there is a {_KIND[str(first[0])]} of this name already ({source.place(first)})"
    remedy = "join the two tables, or rename one"
    return Finding("name.duplicate", "error", source.place(path), what, why, remedy)
