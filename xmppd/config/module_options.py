"""The options of modules: checked by the model that a module brings, told with the places of the file."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from xmppd.config.findings import Finding
from xmppd.config.lines import Path
from xmppd.config.options import ModuleTable
from xmppd.config.problems import value_finding
from xmppd.config.schema import ALIKE, dotted
from xmppd.config.source import Source
from xmppd.config.table import Table
from xmppd.config.values import Invalid

Options = TypeVar("Options", bound=Table)


def validate_options(
    name: str, model: type[Options], given: Mapping[str, object], source: Source, above: Path
) -> tuple[Options | None, list[Finding]]:
    """Check what is *given* to the module *name*: (options, []) or (None, findings).

    *above* is the path of the domain's table, empty for the server as a whole.
    """
    known = {key: value for key, value in given.items() if key in model.model_fields}
    findings = [
        _unknown(module_path(name, (key,), source, above), model, source) for key in given if key not in known
    ]
    try:
        options = model.model_validate(known, source.folder)
    except Invalid as error:
        for wrong in error.wrong:
            path = module_path(name, wrong.path, source, above)
            field = model.model_fields.get(str(wrong.path[0])) if len(wrong.path) == 1 else None
            findings.append(value_finding(wrong, path, field, source))
        return None, findings
    return (None, findings) if findings else (options, [])


def unknown_module(name: str, known: Mapping[str, object], source: Source, above: Path) -> Finding:
    """Word that there is no module *name*."""
    path = module_path(name, (), source, above)
    near = difflib.get_close_matches(name, list(known), 1, ALIKE)
    remedy = f"did you mean modules.{near[0]}?" if near else "remove it, or put the module where it is found"
    why = "there is no module of this name"
    return Finding("config.unknown-module", "error", source.place(path), dotted(path), why, remedy)


def module_path(name: str, below: Path, source: Source, above: Path) -> Path:
    """Where an option of a module stands: in the domain's table if it is there, else in the server's."""
    table: Path = (*above, "modules", name)
    own, whole = (*table, *below), ("modules", name, *below)
    is_own = source.has(own) or (not source.has(whole) and source.has(table))
    return own if is_own else whole


def _unknown(path: Path, model: type[Table], source: Source) -> Finding:
    known = [*ModuleTable.model_fields, *model.model_fields]
    near = difflib.get_close_matches(str(path[-1]), known, 1, ALIKE)
    remedy = f"did you mean {dotted((*path[:-1], near[0]))}?" if near else "remove it"
    what = f"unknown option {dotted(path)}"
    why = "the module has no such option"
    return Finding("config.unknown-key", "error", source.place(path), what, why, remedy)
