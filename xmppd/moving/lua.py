r"""Values as Lua writes them (``{ ["a"] = 1; "x"; }``): read as data, never run.

What Prosody writes is a subset: tables, strings with escapes, numbers, true, false, nil. A table becomes a dict, with
1, 2, 3… for what has no key. Strings are UTF-8; bytes that are none become surrogates, so that nothing is lost
(`raw`). Nothing here recurses.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

Table = dict[Any, Any]
MAX_DEPTH: Final = 300
"""Prosody itself writes 127 levels at most."""
_TOKEN: Final = re.compile(
    rb"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<mark>[{}\[\]=;,])
    | (?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+))
    | (?P<special>\(-?[01]/0\))
    | (?P<word>[A-Za-z_]\w*)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(rb"\\(\d{1,3}|x[0-9a-fA-F]{2}|z\s*|\r?\n|.)", re.DOTALL)
_ESCAPES: Final = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_WORDS: Final = {b"true": True, b"false": False, b"nil": None}
_SPECIAL: Final = {b"(1/0)": float("inf"), b"(-1/0)": float("-inf"), b"(0/0)": float("nan")}
_ITEM_END: Final = b"});"
_MAX_ITEM_BYTES: Final = 64 * 1024 * 1024
_OPEN: Final = object()
"""The mark of a key that stands for nothing yet."""


def read_value(data: bytes) -> Any:
    """Give the value that *data* holds, with or without ``return`` and a semicolon; ValueError."""
    tokens = _tokens(data)
    kind, token = next(tokens, ("", b""))
    if (kind, token) == ("word", b"return"):
        kind, token = next(tokens, ("", b""))
    value = _read(kind, token, tokens)
    rest = [token for _, token in tokens if token != b";"]
    if rest:
        raise ValueError(f"something stands behind a Lua value: {rest[0][:20]!r}")
    return value


def read_items(lines: Iterable[bytes]) -> Iterator[Table | ValueError]:
    """Give each table of a list file, ``item({…});`` one behind the other; ValueError for one that cannot be read.

    No more than one of them is in memory.
    """
    item: list[bytes] = []
    size = 0
    for line in lines:
        if not item:
            line = line.lstrip()
            if not line:
                continue
        item.append(line)
        size += len(line)
        if line.rstrip() == _ITEM_END or line.startswith(b"item({});") or size > _MAX_ITEM_BYTES:
            yield _read_item(b"".join(item))
            item, size = [], 0
    if b"".join(item).strip():
        yield ValueError("the list is cut short")


def raw(text: str) -> bytes:
    """Give the bytes that a string of a table was."""
    return text.encode("utf-8", "surrogateescape")


def array(table: Mapping[Any, Any]) -> Iterator[Any]:
    """Give what stands in a table without keys, in order."""
    index = 1
    while index in table:
        yield table[index]
        index += 1


def _read_item(data: bytes) -> Table | ValueError:
    stripped = data.strip()
    if not stripped.startswith(b"item(") or not stripped.endswith(b");"):
        return ValueError(f"not an item of a list: {data[:40]!r}")
    try:
        value = read_value(stripped[len(b"item(") : -len(b");")])
    except ValueError as error:
        return error
    return value if isinstance(value, dict) else ValueError("an item of a list is no table")


def _tokens(data: bytes) -> Iterator[tuple[str, bytes]]:
    at, end, match = 0, len(data.rstrip()), _TOKEN.match
    while at < end:
        found = match(data, at)
        if found is None or found.end() == at:
            raise ValueError(f"this is no Lua data: {data[at : at + 30]!r}")
        kind = found.lastgroup or ""
        yield kind, found[kind]
        at = found.end()


def _read(kind: str, token: bytes, tokens: Iterator[tuple[str, bytes]]) -> Any:
    """Read one value, whose first token is taken already."""
    if token != b"{":
        return _scalar(kind, token)
    top: Table = {}
    stack: list[tuple[Table, Any]] = [(top, _OPEN)]
    for kind, token in tokens:
        table, key = stack[-1]
        if key is not _OPEN and kind == "mark" and token != b"{":
            raise ValueError(f"a key of a Lua table has no value: {str(key)[:30]!r}")
        if token == b"}" and kind == "mark":
            stack.pop()
            if not stack:
                return top
        elif token in (b";", b",") and kind == "mark":
            continue
        elif token == b"[" and kind == "mark":
            key = _key(tokens)
            stack[-1] = (table, key)
        elif kind == "word" and token not in _WORDS:
            _expect(tokens, b"=")
            stack[-1] = (table, token.decode())
        else:
            place = _next_index(table) if key is _OPEN else key
            stack[-1] = (table, _OPEN)
            if token == b"{" and kind == "mark":
                if len(stack) >= MAX_DEPTH:
                    raise ValueError("the tables are nested too deeply")
                inner: Table = {}
                table[place] = inner
                stack.append((inner, _OPEN))
            else:
                table[place] = _scalar(kind, token)
    raise ValueError("a Lua table is cut short")


def _next_index(table: Table) -> int:
    index = 1
    if len(table) > 8:
        index = sum(type(key) is int for key in table) + 1
    while index in table:
        index += 1
    return index


def _key(tokens: Iterator[tuple[str, bytes]]) -> Any:
    kind, token = next(tokens, ("", b""))
    key = _scalar(kind, token)
    _expect(tokens, b"]")
    _expect(tokens, b"=")
    return key


def _expect(tokens: Iterator[tuple[str, bytes]], mark: bytes) -> None:
    _, token = next(tokens, ("", b""))
    if token != mark:
        raise ValueError(f"{mark.decode()} is missing in a Lua table")


def _scalar(kind: str, token: bytes) -> Any:
    if kind == "string":
        inner = token[1:-1]
        if b"\\" in inner:
            inner = _ESCAPE.sub(_unescaped, inner)
        return inner.decode("utf-8", "surrogateescape")
    if kind == "number":
        text = token.decode()
        try:
            return int(text, 0) if text.lower().startswith(("0x", "-0x")) else int(text)
        except ValueError:
            return float(text)
    if kind == "word" and token in _WORDS:
        return _WORDS[token]
    if kind == "special":
        return _SPECIAL[token]
    raise ValueError(f"this is no Lua value: {token[:30]!r}")


def _unescaped(found: "re.Match[bytes]") -> bytes:
    code = found[1]
    if code[:1].isdigit():
        return bytes((int(code) & 0xFF,))
    if code[:1] == b"x":
        return bytes((int(code[1:], 16),))
    if code[:1] == b"z":
        return b""
    return _ESCAPES.get(code, b"\n" if code.endswith(b"\n") else code)
