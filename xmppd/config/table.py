"""A table of the configuration as a class: each field is an option with its type, its default, and what it is for.

The names are those of pydantic's models, of which this is the part that a configuration needs: pydantic itself, with
what it loads and makes for 60 tables, took 11 of 79 MiB, and 30 % of the time of a start (docs/decisions/0025).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Self,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from xmppd.config.fields import NEEDED, SAYINGS, FieldInfo, Mistake
from xmppd.config.values import Check, Invalid, Wrong, check_of, wanted

MISSING: Final = "config.missing-key"
UNKNOWN: Final = "config.unknown-key"
_NO_FOLDER: Final = Path()


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Table:
    """The base of all: ``Name(option=value)`` is checked like the file's; nothing changes afterwards.

    A name that begins with ``_`` is no option.
    """

    model_fields: ClassVar[Mapping[str, FieldInfo]] = {}
    """All options, those of the bases first, in the order in which they are written."""
    is_open: ClassVar[bool] = False
    """Whether there may be keys besides them (`model_extra`)."""
    _checks: ClassVar[Mapping[str, Check] | None] = None

    def __init_subclass__(cls, *, is_open: bool | None = None) -> None:
        super().__init_subclass__()
        cls._checks = None
        if is_open is not None:
            cls.is_open = is_open
        hints = get_type_hints(cls, include_extras=True)
        cls.model_fields = {
            name: _field(cls, name, kind) for name, kind in hints.items() if _is_field(name, kind)
        }

    def __init__(self, **given: Any) -> None:
        self._fill(given, _NO_FOLDER)

    @classmethod
    def model_validate(cls, table: object, folder: Path = _NO_FOLDER) -> Self:
        """Check a table of the file; `Invalid` tells all that is wrong. Relative paths begin in *folder*."""
        if isinstance(table, cls):
            return table
        if not isinstance(table, dict):
            raise wanted("a table", table)
        made = cls.__new__(cls)
        made._fill(table, folder)
        return made

    @classmethod
    def model_construct(cls, **values: Any) -> Self:
        """Put together what was checked before."""
        made = cls.__new__(cls)
        vars(made).update(values)
        return made

    def model_copy(self, update: Mapping[str, Any]) -> Self:
        """Give the same with other values, which are not checked."""
        return self.model_construct(**{**vars(self), **update})

    @property
    def model_extra(self) -> Mapping[str, Any]:
        """The keys that are no options of this table, as the file has them."""
        more: Mapping[str, Any] = vars(self).get("_more", {})
        return more

    def check_whole(self) -> None:
        """Look at options together, each of which is right for itself; `Mistake`."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot change: nothing of a configuration does after reading")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, Table):
            return NotImplemented
        return self._values() == other._values() and self.model_extra == other.model_extra

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def __repr__(self) -> str:
        values = zip(self.model_fields, self._values(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in values)})"

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.model_fields)

    def _fill(self, given: Mapping[str, Any], folder: Path) -> None:
        values: dict[str, Any] = {}
        wrong: list[Wrong] = []
        for name, check in self._all_checks().items():
            if name in given:
                try:
                    values[name] = check(given[name], folder)
                except Invalid as error:
                    wrong += error.below(name)
            elif self.model_fields[name].is_needed:
                wrong.append(Wrong((name,), NEEDED, Mistake(MISSING, "it is needed", "add the key")))
        more = {name: value for name, value in given.items() if name not in self.model_fields}
        if more and self.is_open:
            values["_more"] = more
        elif more:
            unknown = Mistake(UNKNOWN, "there is no such option", "remove it")
            wrong += (Wrong((name,), value, unknown) for name, value in more.items())
        if wrong:
            raise Invalid(wrong)
        vars(self).update(values)
        try:
            self.check_whole()
        except Mistake as mistake:
            raise Invalid([Wrong((), given, mistake)]) from None

    @classmethod
    def _all_checks(cls) -> Mapping[str, Check]:
        """Made when the first table is read, of many of which there is none."""
        if cls._checks is None:
            cls._checks = {name: check_of(_whole(field)) for name, field in cls.model_fields.items()}
        return cls._checks


def _is_field(name: str, kind: Any) -> bool:
    return not name.startswith("_") and kind is not ClassVar and get_origin(kind) is not ClassVar


def _field(cls: type, name: str, kind: Any) -> FieldInfo:
    default = getattr(cls, name, NEEDED)
    if isinstance(default, SAYINGS):
        raise TypeError(
            f"{cls.__name__}.{name}: write Annotated[type, {type(default).__name__}(…)] = default"
        )
    if get_origin(kind) is not Annotated:
        return FieldInfo(kind, (), default)
    kind, *metadata = get_args(kind)
    return FieldInfo(kind, tuple(metadata), default)


def _whole(field: FieldInfo) -> Any:
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
