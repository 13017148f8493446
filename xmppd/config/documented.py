"""What the models of the configuration say about themselves: the words below each option, and the headings among them.

For the example file, ``xmppctl config explain``, and the manual. Read from the source, so that a start pays nothing.
"""

import ast
import inspect
import re
from functools import cache
from textwrap import dedent
from typing import Any, Final, Literal, get_args, get_origin

from xmppd.config.table import Table

_BASES: Final = (object, Table)
_HEADING: Final = re.compile(r"^\s*# -- (.*)$")


def descriptions(model: type[Table]) -> dict[str, str]:
    """Give the words below each option of *model*, by its name, in one line."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if cls not in _BASES:
            found |= _of_class(cls)
    return found


def headings(model: type[Table]) -> dict[str, str]:
    """Give the headings (comments that begin with ``--``), by the option that follows each."""
    found: dict[str, str] = {}
    waiting = ""
    for line in inspect.getsource(model).splitlines():
        heading = _HEADING.match(line)
        name = line.strip().partition(":")[0]
        if heading is not None:
            waiting = heading.group(1)
        elif waiting and name in model.model_fields:
            found[name], waiting = waiting, ""
    return found


def choices(annotation: Any) -> tuple[str, ...]:
    """Give the texts that an option may be one of; none where it may be any."""
    if get_origin(annotation) is Literal:
        return tuple(str(each) for each in get_args(annotation))
    return ()


@cache
def _of_class(cls: type) -> dict[str, str]:
    body = ast.parse(dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef), "it is the source of a class"
    found: dict[str, str] = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and is_text:
            text = str(following.value.value)  # type: ignore[attr-defined]  # seen above
            found[statement.target.id] = " ".join(text.split()).replace("`", "")
    return found
