"""On which line of a TOML text a key stands (``tomllib`` does not tell).

A small scanner over TOML 1.0, meant for texts that ``tomllib`` has accepted: of others it gives what it
understood up to the first thing that is no TOML. Values are skipped, not read.

A path is a tuple of keys, with a number for each element of an array: ``("c2s", "listen", 0)``.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import suppress

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]*")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{0,2}(?!"))', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{0,2}(?!'))", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_QUOTED_KEYS = _STRINGS[2:]


class LineIndex:
    """The lines, counted from 1, of every key and array element of one text."""

    __slots__ = ("_lines",)

    def __init__(self, lines: Mapping[Path, int]) -> None:
        self._lines = lines

    @classmethod
    def of(cls, text: str) -> "LineIndex":
        """Scan *text*."""
        scanner = _Scanner(text)
        # whoever wants the error itself asks tomllib, which words it better
        with suppress(_NotToml, RecursionError):
            scanner.scan()
        return cls(scanner.lines)

    def exact(self, path: Sequence[str | int]) -> int | None:
        """Give the line of *path*, or None where the text does not have it."""
        return self._lines.get(tuple(path))

    def nearest(self, path: Sequence[str | int]) -> int | None:
        """Give the line of *path* or of the innermost table or array around it that the text has."""
        for end in range(len(path), 0, -1):
            line = self._lines.get(tuple(path[:end]))
            if line is not None:
                return line
        return None


class _NotToml(Exception):
    """The scanner met something that no TOML text has here."""


class _Scanner:
    """One pass over a text; *lines* grows as keys are met."""

    __slots__ = ("_at", "_counts", "_newlines", "_text", "lines")

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._counts: dict[Path, int] = {}
        """How many elements each array of tables has so far."""
        self.lines: dict[Path, int] = {}

    def scan(self) -> None:
        """Note every key of the text."""
        table: Path = ()
        while self._skip(_BLANK) < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        """``[a.b]`` or ``[[a.b]]``; gives the path of the table that begins."""
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        keys = self._key()
        self._expect("]]" if is_array else "]")
        path: Path = ()
        for key, line in keys[:-1]:
            path = (*path, key)
            self.lines.setdefault(path, line)
            path = self._last_element(path)
        key, line = keys[-1]
        path = (*path, key)
        if is_array:
            self.lines.setdefault(path, line)
            self._counts[path] = self._counts.get(path, 0) + 1
            path = self._last_element(path)
        self.lines[path] = line
        return path

    def _last_element(self, path: Path) -> Path:
        """An array of tables is addressed by its newest element."""
        count = self._counts.get(path)
        return path if count is None else (*path, count - 1)

    def _pair(self, table: Path) -> None:
        """``a.b = value`` below *table*."""
        path = table
        for key, line in self._key():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._expect("=")
        self._skip(_SPACE)
        self._value(path)

    def _key(self) -> list[tuple[str, int]]:
        """A dotted key: each part with its line."""
        parts = []
        while True:
            self._skip(_SPACE)
            parts.append((self._key_part(), self._line(self._at - 1)))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _key_part(self) -> str:
        for pattern in _QUOTED_KEYS:
            match = pattern.match(self._text, self._at)
            if match:
                self._at = match.end()
                return _unquote(match.group())
        return self._take(_BARE_KEY)

    def _value(self, path: Path) -> None:
        first = self._text[self._at : self._at + 1]
        if first in ('"', "'"):
            self._string()
        elif first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._take(_PLAIN_VALUE)

    def _string(self) -> None:
        for pattern in _STRINGS:
            match = pattern.match(self._text, self._at)
            if match:
                self._at = match.end()
                return
        raise _NotToml

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while not self._ends("]"):
            self.lines[(*path, index)] = self._line(self._at)
            self._value((*path, index))
            self._skip(_BLANK)
            index += 1
            if not self._ends(","):
                self._expect("]")
                return

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while not self._ends("}"):
            self._pair(path)
            if not self._ends(","):
                self._expect("}")
                return

    def _ends(self, token: str) -> bool:
        """Skip blanks, and *token* where it follows; say whether it did."""
        self._skip(_BLANK)
        found = self._text.startswith(token, self._at)
        self._at += len(token) if found else 0
        return found

    def _expect(self, token: str) -> None:
        if not self._ends(token):
            raise _NotToml

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _NotToml
        self._at = match.end()
        return match.group()

    def _skip(self, pattern: re.Pattern[str]) -> int:
        """Skip what *pattern* matches, which may be nothing; give the new position."""
        self._take(pattern)
        return self._at

    def _line(self, position: int) -> int:
        return bisect_left(self._newlines, position) + 1


def _unquote(quoted: str) -> str:
    try:
        value = tomllib.loads("k = " + quoted)["k"]
    except tomllib.TOMLDecodeError as problem:
        raise _NotToml from problem
    return str(value)
