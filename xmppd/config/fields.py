"""What a field of a table of the configuration may say of its values, besides their type.

It stands in ``Annotated`` behind the type: ``port: Annotated[int, Field(ge=1, le=65_535)] = 5222``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

NEEDED: Final = object()
"""The default of a field that has none: the file must have it."""


class Mistake(ValueError):
    """A value that is wrong; words of our own for a finding."""

    def __init__(self, id: str, why: str, remedy: str) -> None:
        super().__init__(why)
        self.id = id
        self.why = why
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Bounds of a number, or of the length of a text; and what is shown of an option that has no default."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    """A regular expression that is found in the text."""
    examples: Sequence[Any] = ()
    is_server_wide: bool = False
    """Whether a host cannot have the option for itself."""


@dataclass(frozen=True, slots=True)
class BeforeValidator:
    """Makes a value of the type out of what the file has, before the type is looked at; `Mistake`."""

    make: Callable[[object], object]


@dataclass(frozen=True, slots=True)
class FolderValidator:
    """Likewise, given the folder too that relative paths begin in: that of the configuration file."""

    make: Callable[[object, Path], object]


@dataclass(frozen=True, slots=True)
class AfterValidator:
    """Looks at a value that has the right type, or makes another of it; `Mistake`."""

    look: Callable[[Any], object]


SAYINGS: Final = (Field, BeforeValidator, FolderValidator, AfterValidator)
"""All that may stand behind a type."""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field of a table: its type, what is said of it, and what holds where the file has nothing."""

    annotation: Any
    metadata: tuple[object, ...]
    default: Any = NEEDED

    @property
    def is_needed(self) -> bool:
        """Whether there is no default."""
        return self.default is NEEDED

    @property
    def examples(self) -> Sequence[Any]:
        """What to show where there is no default."""
        return next((each.examples for each in self._fields if each.examples), ())

    @property
    def is_server_wide(self) -> bool:
        """Whether a host cannot have the option for itself."""
        return any(each.is_server_wide for each in self._fields)

    @property
    def _fields(self) -> list[Field]:
        return [each for each in self.metadata if isinstance(each, Field)]


class SecretStr:
    """A text that shows in nothing that is made of the configuration."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """Give the text itself."""
        return self._text

    def __repr__(self) -> str:
        return f"SecretStr('{self}')"

    def __str__(self) -> str:
        return "**********" if self._text else ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretStr) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)
