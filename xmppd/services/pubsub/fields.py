"""How the values of form fields are read and written (XEP-0004 3.3): one object for each kind of value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from xmppd.stanza.jid import JID

TEXT_CHARS: Final = 1_023
TEXTS_MAX: Final = 100
_DIGITS: Final = 12
_TRUE: Final = frozenset(("1", "true"))
_FALSE: Final = frozenset(("0", "false"))


class Kind(Protocol):
    """A kind of value."""

    @property
    def form_type(self) -> str:
        """The type of the form field."""

    def read(self, texts: tuple[str, ...]) -> Any:
        """Give the value that *texts* mean; ValueError."""

    def write(self, value: Any) -> tuple[str, ...]:
        """Give it as texts."""

    def choices(self) -> Mapping[str, str]:
        """Give the values that there are with their labels, where they are few."""


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false; no value at all is false."""

    form_type: str = "boolean"

    def read(self, texts: tuple[str, ...]) -> bool:
        """See `Kind`."""
        text = _one(texts).strip()
        if text in _TRUE:
            return True
        if text in _FALSE or not text:
            return False
        raise ValueError(f"{text[:20]!r} is neither true nor false")

    def write(self, value: bool) -> tuple[str, ...]:
        """See `Kind`."""
        return ("1" if value else "0",)

    def choices(self) -> Mapping[str, str]:
        """See `Kind`."""
        return {}


@dataclass(frozen=True, slots=True)
class Count:
    """A number, or ``max``, which is None."""

    least: int
    form_type: str = "text-single"

    def read(self, texts: tuple[str, ...]) -> int | None:
        """See `Kind`."""
        text = _one(texts).strip()
        if text == "max":
            return None
        if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS or int(text) < self.least:
            raise ValueError(f"{text[:20]!r} is neither a number from {self.least} on nor max")
        return int(text)

    def write(self, value: int | None) -> tuple[str, ...]:
        """See `Kind`."""
        return ("max" if value is None else str(value),)

    def choices(self) -> Mapping[str, str]:
        """See `Kind`."""
        return {}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values."""

    options: Mapping[str, str]
    """The values with their labels."""
    form_type: str = "list-single"

    def read(self, texts: tuple[str, ...]) -> str:
        """See `Kind`."""
        text = _one(texts).strip()
        for value in self.options:
            if value == text:
                return value
        raise ValueError(f"{text[:40]!r} is none of {', '.join(filter(None, self.options))}")

    def write(self, value: str) -> tuple[str, ...]:
        """See `Kind`."""
        return (str(value),)

    def choices(self) -> Mapping[str, str]:
        """See `Kind`."""
        return {value: label for value, label in self.options.items() if value}


@dataclass(frozen=True, slots=True)
class Text:
    """A text."""

    form_type: str = "text-single"

    def read(self, texts: tuple[str, ...]) -> str:
        """See `Kind`."""
        return _short(_one(texts))

    def write(self, value: str) -> tuple[str, ...]:
        """See `Kind`."""
        return (value,) if value else ()

    def choices(self) -> Mapping[str, str]:
        """See `Kind`."""
        return {}


@dataclass(frozen=True, slots=True)
class Texts:
    """Several texts, whose order means nothing."""

    form_type: str = "text-multi"

    def read(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """See `Kind`."""
        if len(texts) > TEXTS_MAX:
            raise ValueError(f"more than {TEXTS_MAX} values")
        return tuple(sorted({_short(text) for text in texts if text}))

    def write(self, value: tuple[str, ...]) -> tuple[str, ...]:
        """See `Kind`."""
        return value

    def choices(self) -> Mapping[str, str]:
        """See `Kind`."""
        return {}


@dataclass(frozen=True, slots=True)
class JIDs(Texts):
    """Several addresses."""

    form_type: str = "jid-multi"

    def read(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """See `Kind`."""
        return Texts.read(self, tuple(JID.parse(text).full for text in texts if text))


FLAG: Final = Flag()
TEXT: Final = Text()
TEXTS: Final = Texts()
JIDS: Final = JIDs()


def _one(texts: tuple[str, ...]) -> str:
    if len(texts) > 1:
        raise ValueError("more than one value")
    return texts[0] if texts else ""


def _short(text: str) -> str:
    if len(text) > TEXT_CHARS:
        raise ValueError(f"longer than {TEXT_CHARS} characters")
    return text
