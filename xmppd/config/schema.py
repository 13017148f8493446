"""Which keys the configuration has, looked up by path: for telling the nearest known key of an unknown one."""

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, get_args, get_origin

from xmppd.config.fields import FieldInfo
from xmppd.config.options import ComponentOptions, Document, HostOptions
from xmppd.config.section import Address
from xmppd.config.table import Table

ALIKE = 0.6
"""How alike two keys must be for one to be offered for the other (difflib's ratio)."""


def dotted(path: Sequence[str | int]) -> str:
    """Write a path as TOML does: ``hosts."example.org".c2s.listen[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + _spelled(part)
    return text


def _spelled(key: str) -> str:
    bare = key.isascii() and bool(key) and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else quoted(key)


def quoted(key: str) -> str:
    """Write a key in quotes."""
    return json.dumps(key, ensure_ascii=False)


def toml_value(value: object) -> str | None:
    """Write a default as TOML; None where there is no such form."""
    if isinstance(value, tuple):
        return "[" + ", ".join(filter(None, map(toml_value, value))) + "]"
    if isinstance(value, Address):
        return json.dumps(str(value))
    if isinstance(value, bool | int | float | str):
        return json.dumps(value, ensure_ascii=False)
    return None


def option_at(path: Sequence[str | int]) -> FieldInfo | None:
    """Give the description of the option or section at *path*; None where there is none."""
    if not path or not isinstance(path[-1], str):
        return None
    model = _type_at(path[:-1])
    return model.model_fields.get(path[-1]) if _is_model(model) else None


def is_server_wide(path: Sequence[str | int]) -> bool:
    """Say whether no domain can have the option at *path*, a path below the domain's table, for itself."""
    if path and path[0] not in (*HostOptions.model_fields, "hosts", "components"):
        return option_at(path[:1]) is not None
    field = option_at(path)
    return field is not None and field.is_server_wide


def nearest_key(path: Sequence[str | int]) -> str | None:
    """Give the dotted name of the known option that the unknown one at *path* was most likely meant to be.

    A key of the same table is preferred, then one of the same name elsewhere, then one that is alike.
    """
    key, beside = str(path[-1]), nearest_beside(path)
    if beside:
        return dotted((*path[:-1], beside))
    everywhere = _all_options()
    same = [option for option in everywhere if option[-1] == key]
    if same:
        return dotted(same[0])
    names = {dotted(option): option for option in everywhere if option != tuple(path[: len(option)])}
    alike = difflib.get_close_matches(key, list({option[-1] for option in everywhere}), 1, ALIKE)
    if alike:
        return next(name for name, option in names.items() if option[-1] == alike[0])
    return nearest(dotted(path), names)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Give which of *known* the *name* was most likely meant to be; None where none is like it."""
    return next(iter(difflib.get_close_matches(name, list(known), 1, ALIKE)), None)


def nearest_beside(path: Sequence[str | int]) -> str | None:
    """Give the key of the same table that is most like the last one of *path*; None where none is."""
    return nearest(str(path[-1]), _keys_of(_type_at(path[:-1])))


@cache
def _all_options() -> tuple[tuple[str, ...], ...]:
    """The paths of all options and sections; of those in the tables of domains what they alone have."""
    known, alone = dict.fromkeys(Document.model_fields), []
    for section, model in (("hosts", HostOptions), ("components", ComponentOptions)):
        alone += [(section, "NAME", key) for key in model.model_fields if key not in known]
        known |= dict.fromkeys(model.model_fields)
    return (*_options_of(Document, ()), *alone)


def _options_of(model: type[Table], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, field in model.model_fields.items():
        kind: Any = field.annotation
        if _is_model(kind):
            yield from _options_of(kind, (*above, key))
        yield (*above, key)


def _keys_of(kind: Any) -> list[str]:
    return list(kind.model_fields) if _is_model(kind) else []


def _type_at(path: Sequence[str | int]) -> Any:
    kind: Any = Document
    for key in path:
        kind = _type_below(kind, key)
    return kind


def _type_below(kind: Any, key: str | int) -> Any:
    if _is_model(kind):
        field = kind.model_fields.get(key)
        return field.annotation if field else _type_below(getattr(kind, "others", None), key)
    return get_args(kind)[1] if get_origin(kind) is dict else None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Table)
