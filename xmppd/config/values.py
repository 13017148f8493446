"""Whether a value of the file is what the type of a field says, and what is wrong with it.

Types are exact, but that a list is taken for a tuple and a whole number for a number. A type is one of ``str``,
``int``, ``float``, ``bool``, `SecretStr`, a ``Literal``, ``X | Y``, ``tuple[X, ...]``, ``dict[str, X]``, a table
(`xmppd.config.table`), or any other class, whose instances are made by a `BeforeValidator`; each with what
`xmppd.config.fields` has in ``Annotated``.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from xmppd.config.fields import (
    SAYINGS,
    AfterValidator,
    BeforeValidator,
    Field,
    FolderValidator,
    Mistake,
    SecretStr,
)

Check = Callable[[object, Path], Any]
"""Gives the value as the program has it; `Invalid`. The path is the folder that relative paths begin in."""
KEY: Final = "[key]"
"""Stands in the path of a mistake behind a key of a table that is wrong itself."""
_BOUNDS: Final[Sequence[tuple[str, str, Callable[[Any, Any], bool]]]] = (
    ("le", "at most", lambda value, bound: value <= bound),
    ("lt", "less than", lambda value, bound: value < bound),
    ("ge", "at least", lambda value, bound: value >= bound),
    ("gt", "more than", lambda value, bound: value > bound),
)
_TEXT: Final = "text in quotes"


@dataclass(frozen=True, slots=True)
class Wrong:
    """One value that is wrong."""

    path: tuple[str | int, ...]
    value: object
    """`NEEDED` for one that is not there."""
    mistake: Mistake
    takes_example: bool = False
    """Whether the remedy may name the default of the option."""

    def below(self, key: str | int) -> "Wrong":
        """The same, seen from the table or list in which it stands under *key*."""
        return Wrong((key, *self.path), self.value, self.mistake, self.takes_example)


class Invalid(ValueError):
    """All that is wrong with a value and what is in it."""

    def __init__(self, wrong: Sequence[Wrong]) -> None:
        super().__init__("; ".join(f"{each.path}: {each.mistake.why}" for each in wrong))
        self.wrong = tuple(wrong)

    def below(self, key: str | int) -> Iterator[Wrong]:
        """Give what is wrong as seen from the table or list above."""
        return (each.below(key) for each in self.wrong)


def check_of(kind: Any) -> Check:
    """Give the check of the values of a type; TypeError for one that a configuration cannot have."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(arguments[0], arguments[1:])
    if origin is Literal:
        return _one_of(arguments)
    if origin in (Union, UnionType):
        return _any_of(arguments)
    if origin is tuple:
        return _list_of(check_of(arguments[0]))
    if origin is dict:
        return _table_of(check_of(arguments[0]), check_of(arguments[1]))
    if kind in _PLAIN:
        return _PLAIN[kind]
    if not isinstance(kind, type):
        raise TypeError(f"an option cannot be of the type {kind}")
    validate: Check | None = getattr(kind, "model_validate", None)
    return _instance_of(kind) if validate is None else validate


def wanted(what: str, value: object) -> Invalid:
    """Give the error of a value of another type than *what*."""
    return _invalid(value, "config.wrong-type", f"{what} is wanted", f"write {what}")


def _invalid(value: object, id: str, why: str, remedy: str) -> Invalid:
    return Invalid([Wrong((), value, Mistake(id, why, remedy), takes_example=True)])


def _plain(kind: type, what: str) -> Check:
    def check(value: object, folder: Path) -> object:
        if type(value) is not kind:
            raise wanted(what, value)
        return value

    return check


def _number(value: object, folder: Path) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise wanted("a number", value)
    return float(value)


def _secret(value: object, folder: Path) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str):
        raise wanted(_TEXT, value)
    return SecretStr(value)


_PLAIN: Final[dict[Any, Check]] = {
    str: _plain(str, _TEXT),
    int: _plain(int, "a whole number"),
    bool: _plain(bool, "true or false"),
    NoneType: _plain(NoneType, "nothing"),
    float: _number,
    SecretStr: _secret,
}


def _instance_of(kind: type) -> Check:
    what = "a path in quotes" if kind is Path else _TEXT

    def check(value: object, folder: Path) -> object:
        if not isinstance(value, kind):
            raise wanted(what, value)
        return value

    return check


def _one_of(choices: Sequence[object]) -> Check:
    words = [f'"{each}"' for each in choices]
    listed = " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))

    def check(value: object, folder: Path) -> object:
        if not any(value is each or (type(value) is type(each) and value == each) for each in choices):
            mistake = Mistake("config.bad-value", "there is no such choice", f"write {listed}")
            raise Invalid([Wrong((), value, mistake)])
        return value

    return check


def _any_of(kinds: Sequence[Any]) -> Check:
    """What the first of the types takes that takes it; else it is wrong as the first sees it."""
    may_be_none = NoneType in kinds
    checks = [check_of(each) for each in kinds if each is not NoneType]

    def check(value: object, folder: Path) -> object:
        if value is None and may_be_none:
            return None
        first: Invalid | None = None
        for each in checks:
            try:
                return each(value, folder)
            except Invalid as error:
                first = first or error
        assert first is not None, "a choice is between some types"
        raise first

    return check


def _list_of(item: Check) -> Check:
    def check(value: object, folder: Path) -> object:
        if not isinstance(value, list | tuple):
            raise wanted("a list in brackets", value)
        wrong: list[Wrong] = []
        items = []
        for index, each in enumerate(value):
            try:
                items.append(item(each, folder))
            except Invalid as error:
                wrong += error.below(index)
        if wrong:
            raise Invalid(wrong)
        return tuple(items)

    return check


def _table_of(key: Check, item: Check) -> Check:
    def check(value: object, folder: Path) -> object:
        if not isinstance(value, dict):
            raise wanted("a table", value)
        wrong: list[Wrong] = []
        items = {}
        for name, each in value.items():
            checked = name
            try:
                checked = key(name, folder)
            except Invalid as error:
                wrong += (found.below(KEY).below(name) for found in error.wrong)
            try:
                items[checked] = item(each, folder)
            except Invalid as error:
                wrong += error.below(name)
        if wrong:
            raise Invalid(wrong)
        return items

    return check


def _annotated(kind: Any, sayings: Sequence[object]) -> Check:
    check = check_of(kind)
    for said in sayings:
        if not isinstance(said, SAYINGS):
            raise TypeError(f"{said!r} says nothing of an option: see xmppd.config.fields")
        check = _with(check, said)
    return check


def _with(check: Check, said: object) -> Check:
    """What is said first holds first, but that what comes before the type comes in the other order."""
    if isinstance(said, BeforeValidator):
        make = said.make
        return lambda value, folder: check(_told(make, value, value), folder)
    if isinstance(said, FolderValidator):
        within = said.make
        return lambda value, folder: check(_told(within, value, value, folder), folder)
    if isinstance(said, AfterValidator):
        look = said.look
        return lambda value, folder: _told(look, value, check(value, folder))
    assert isinstance(said, Field), "there is nothing else"
    bounds = said
    if bounds == Field(examples=bounds.examples, is_server_wide=bounds.is_server_wide):
        return check
    return lambda value, folder: _within(bounds, check(value, folder), value)


def _told(call: Callable[..., object], value: object, *given: object) -> object:
    """What *call* gives; what it says against it is said of *value*."""
    try:
        return call(*given)
    except Mistake as mistake:
        raise Invalid([Wrong((), value, mistake)]) from None


def _within(said: Field, value: Any, written: object) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        return _of_length(said, value)
    for name, words, holds in _BOUNDS:
        bound = getattr(said, name)
        if bound is not None and not holds(value, bound):
            limit = f"{words} {bound:,.12g}".replace(",", "_")
            raise _invalid(
                written, "config.out-of-range", f"it must be {limit}", f"write a number of {limit}"
            )
    return value


def _of_length(said: Field, text: str) -> str:
    why = ""
    if said.min_length is not None and len(text) < said.min_length:
        why = "it is empty" if not text else f"it must have {said.min_length} characters at least"
    elif said.max_length is not None and len(text) > said.max_length:
        why = f"it must have {said.max_length} characters at most"
    elif said.pattern is not None and not re.search(said.pattern, text):
        why = f"it does not match {said.pattern}"
    if why:
        raise _invalid(text, "config.bad-value", why, "write another value")
    return text
