"""Makes the reference out of what the program itself says: options, modules, metrics, operations, specifications.

``.. xmppd:: WHAT`` puts one of them into a page; what it is, `PAGES` says. Each is a function that gives lines of
reStructuredText, so that the HTML pages and the man pages are made of the same.
"""

import ast
import inspect
import itertools
import json
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import xmppd.modules
from xmppd.admin.metrics.table import TABLE
from xmppd.admin.xep_table import rows
from xmppd.config.fields import FieldInfo, SecretStr
from xmppd.config.options import ComponentOptions, Components, DomainOptions, HostOptions, ServerOptions
from xmppd.config.schema import toml_value
from xmppd.config.section import Address
from xmppd.config.table import Table
from xmppd.core.loader import find_modules
from xmppd.core.module import XEP, Module

Lines = Iterator[str]
WORDS: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    Address: "an address and a port",
    SecretStr: "a text",
}


def options() -> Lines:
    """All sections of the configuration file, with each option's type, default and description."""
    yield from _section("Top of the file", ServerOptions)
    for key, field in ServerOptions.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Table):
            yield from _section(f"[{key}]", field.annotation)
    own = HostOptions.model_fields.keys() - DomainOptions.model_fields.keys()
    yield from _section('[hosts."NAME"]', HostOptions, words=_overridden(HostOptions))
    for key in HostOptions.model_fields:
        kind = _model_in(HostOptions.model_fields[key].annotation)
        if key in own and kind is not None and key not in ServerOptions.model_fields:
            yield from _section(f'[hosts."NAME".{key}]', kind)
    yield from _section("[components]", Components)
    yield from _section('[components."NAME"]', ComponentOptions, words=_overridden(ComponentOptions))


def modules() -> Lines:
    """All modules of ours, with what they speak and their options."""
    for name, cls in sorted(find_modules(xmppd.modules).items()):
        yield from _heading(name)
        yield f"{cls.summary}. {_first_sentence(cls)}"
        yield ""
        yield f"Speaks {_specifications(cls)}. " + ("On by default." if cls.is_default else "Off by default.")
        if cls.requires:
            yield f"Needs {', '.join(map(_code, cls.requires))}."
        yield ""
        described = _described(cls.options)
        for key, field in cls.options.model_fields.items():
            yield from _option(key, field, described.get(key, ""))


def metrics() -> Lines:
    """All metrics: kind, labels, and what each says."""
    for each in TABLE:
        yield _code(each.name)
        yield f"   [{', '.join((each.kind, *map(_code, each.labels)))}]"
        yield ""
        yield f"   {each.text}."
        yield ""


def protocols() -> Lines:
    """All specifications."""
    found = rows(find_modules(xmppd.modules).values())
    yield from _table(
        ("specification", "title", "version", "where", "note"),
        ((_linked(row.id), row.name, row.version, row.where, row.note) for row in found),
        (14, 38, 10, 14, 24),
    )


PAGES: Final[dict[str, Callable[[], Lines]]] = {
    "options": options,
    "modules": modules,
    "metrics": metrics,
    "protocols": protocols,
}


class Made(SphinxDirective):
    """``.. xmppd:: WHAT``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Give what the function of this name writes."""
        text = "\n".join(PAGES[self.arguments[0]]())
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Join Sphinx."""
    app.setup_extension("sphinx_click")
    app.add_directive("xmppd", Made)
    for part in ("description", "options"):
        app.connect(f"sphinx-click-process-{part}", _as_plain_text)
    return {"parallel_read_safe": True}


def _as_plain_text(app: Sphinx, context: object, lines: list[str]) -> None:
    """The help of a command is for terminals: a star in it is a star."""
    lines[:] = [line.replace("*", "\\*") for line in lines]


# -- options ----------------------------------------------------------------------------------------------------------


def _section(title: str, model: type[Table], words: str = "") -> Lines:
    yield from _heading(title)
    _, colon, said = (inspect.getdoc(model) or "").partition(": ")
    yield said[:1].upper() + said[1:] if colon else inspect.getdoc(model) or ""
    yield ""
    if words:
        yield words
        yield ""
    described = _described(model)
    for key, field in model.model_fields.items():
        if _model_in(field.annotation) is None:
            yield from _option(key, field, described.get(key, ""))


def _described(model: type[Table]) -> dict[str, str]:
    """The docstrings below the fields: a start does not read them, since that takes a while."""
    found = {}
    for cls in reversed([each for each in model.__mro__ if issubclass(each, Table)]):
        (body,) = ast.parse(inspect.getsource(cls)).body
        assert isinstance(body, ast.ClassDef)
        for field, below in itertools.pairwise(body.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = inspect.cleandoc(text)
    return found


def _option(key: str, field: FieldInfo, words: str) -> Lines:
    """One option: its name, what it may be, what holds without it, and what it is for."""
    facts = [_kind(field.annotation)]
    default = None if field.is_needed else toml_value(field.default)
    if field.is_needed and "by default" not in words:
        facts.append("needed")
    elif default is not None:
        facts.append(f"without it ``{default}``")
    if field.is_server_wide:
        facts.append("for the server as a whole")
    yield f"``{key}``"
    for line in (f"[{'; '.join(filter(None, facts))}]", "", *words.splitlines()):
        yield f"   {line}" if line else ""
    yield ""


def _overridden(model: type[DomainOptions]) -> str:
    fields = model.model_fields.items()
    names = [
        key for key, field in fields if key in ServerOptions.model_fields and _model_in(field.annotation)
    ]
    listed = ", ".join(map(_code, names))
    return f'The sections {listed} may stand in it, too, as ``[…"NAME".{names[0]}]``, with what is different there.'


def _kind(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return " or ".join(f"``{json.dumps(each)}``" for each in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_kind(each) for each in arguments if each is not type(None)))
    if origin in (tuple, frozenset, list):
        return "a list"
    if origin is dict:
        return "a table"
    return WORDS.get(annotation, "a text")


def _model_in(annotation: Any) -> type[Table] | None:
    """The table that an option is; None where it is none."""
    for kind in (annotation, *typing.get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, Table):
            return kind
    return None


# -- words ------------------------------------------------------------------------------------------------------------


def _first_sentence(cls: type[Module]) -> str:
    return " ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split())


def _specifications(cls: type[Module]) -> str:
    xeps = (cls.xep,) if isinstance(cls.xep, XEP) else cls.xep or ()
    return ", ".join(f"{_linked(f'XEP-{each.number:04}')}" for each in xeps) or "no specification of its own"


def _code(text: str) -> str:
    return f"``{text}``"


def _linked(specification: str) -> str:
    kind, _, number = specification.partition("-" if specification.startswith("XEP") else " ")
    base = (
        "https://xmpp.org/extensions/xep-{}.html" if kind == "XEP" else "https://www.rfc-editor.org/rfc/rfc{}"
    )
    return f"`{specification} <{base.format(number)}>`__"


def _heading(text: str) -> Lines:
    yield text
    yield "-" * len(text)
    yield ""


def _table(headings: tuple[str, ...], cells: Any, widths: tuple[int, ...]) -> Lines:
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield f"   :widths: {' '.join(map(str, widths))}"
    yield ""
    for row in (headings, *cells):
        for place, cell in enumerate(row):
            yield f"   {'*' if not place else ' '} - {cell}"
    yield ""
