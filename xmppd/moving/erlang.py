r"""Terms as Erlang writes them (``{roster,{<<"u">>,<<"h">>},both}.``), one behind the other in a file: read as data.

An atom becomes an `Atom`, a binary bytes, a string a str, a tuple a tuple, a list a list, a map a dict. Strings and
binaries are taken by their bytes, as ``~p`` writes them whatever the encoding of the file was. Nothing here recurses.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

MAX_DEPTH: Final = 2_000
MAX_TERM_BYTES: Final = 64 * 1024 * 1024
_TOKEN: Final = re.compile(
    rb"""\s*(?:
      (?P<binary><<)
    | (?P<end>>>)
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<quoted>'(?:[^'\\]|\\.)*')
    | (?P<number>-?\d+(?:\.\d+(?:[eE][+-]?\d+)?)?)
    | (?P<atom>[a-z][A-Za-z0-9_@]*)
    | (?P<type>/utf8)
    | (?P<map>\#\{)
    | (?P<arrow>=>)
    | (?P<opaque>\#(?:Ref|Fun|Port)<[^>]*> | <\d+\.\d+\.\d+>)
    | (?P<mark>[{}\[\],|])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(rb"\\(x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|[0-7]{1,3}|\^.|.)", re.DOTALL)
_ESCAPES: Final = {
    b"b": b"\b",
    b"d": b"\x7f",
    b"e": b"\x1b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"s": b" ",
    b"t": b"\t",
    b"v": b"\v",
}


class Atom(str):
    """An atom; equal to the text of its name."""

    __slots__ = ()


def split_terms(lines: Iterable[bytes]) -> Iterator[bytes | ValueError]:
    """Give each term of a file as it is written; a ValueError in the place of one that is too large or cut short.

    A term ends with a full stop at the end of a line: within strings ``~p`` writes no line break. No more than one
    term is in memory.
    """
    term: list[bytes] = []
    size = 0
    for line in lines:
        if term or line.strip():
            term.append(line)
            size += len(line)
        if size > MAX_TERM_BYTES:
            yield ValueError("a term is too large")
            term, size = [], 0
        elif line.rstrip().endswith((b"}.", b"].")):
            yield b"".join(term).rstrip().removesuffix(b".")
            term, size = [], 0
    if term:
        yield ValueError("the last term is cut short")


def read_term(data: bytes) -> Any:
    """Give the one term in *data*, without its full stop; ValueError."""
    stack: list[tuple[str, list[Any]]] = [("", [])]
    tokens = _tokens(data)
    for kind, token in tokens:
        if kind == "mark" and token in (b"{", b"["):
            if len(stack) > MAX_DEPTH:
                raise ValueError("the terms are nested too deeply")
            stack.append((token.decode(), []))
        elif kind == "map":
            stack.append(("#", []))
        elif kind == "mark" and token in (b"}", b"]"):
            _close(stack, token)
        elif kind in ("mark", "arrow"):
            _separate(stack[-1][1])
        elif kind == "binary":
            stack[-1][1].append(_binary(tokens))
        else:
            _add(stack[-1][1], kind, token)
    if len(stack) != 1 or len(stack[0][1]) != 1:
        raise ValueError("not one Erlang term")
    return stack[0][1][0]


def _tokens(data: bytes) -> Iterator[tuple[str, bytes]]:
    at, end, match = 0, len(data.rstrip()), _TOKEN.match
    while at < end:
        found = match(data, at)
        if found is None:
            raise ValueError(f"this is no Erlang term: {data[at : at + 30]!r}")
        kind = found.lastgroup or ""
        yield kind, found[kind]
        at = found.end()


def _close(stack: list[tuple[str, list[Any]]], token: bytes) -> None:
    opened, content = stack.pop()
    if not stack or (opened == "[") != (token == b"]"):
        raise ValueError("the brackets of a term do not fit")
    value: Any = content
    if opened == "{":
        value = tuple(content)
    elif opened == "#":
        value = dict(zip(content[::2], content[1::2], strict=True))
    stack[-1][1].append(value)


def _separate(content: list[Any]) -> None:
    """A comma: what follows is a value of its own. Which kind of separator it is does not matter."""
    if content and type(content[-1]) is _Text:
        content[-1] = str(content[-1])


def _binary(tokens: Iterator[tuple[str, bytes]]) -> bytes:
    """Read what stands between ``<<`` and ``>>``: strings one behind the other, or numbers."""
    parts: list[bytes] = []
    for kind, token in tokens:
        if kind == "end":
            return b"".join(parts)
        if kind == "string":
            parts.append(_unquoted(token))
        elif kind == "number" and token.isdigit() and int(token) < 256:
            parts.append(bytes((int(token),)))
        elif kind != "type" and token != b",":
            break
    raise ValueError("this is no binary")


def _add(content: list[Any], kind: str, token: bytes) -> None:
    if kind == "string":
        text = _unquoted(token).decode("utf-8", "surrogateescape")
        if content and type(content[-1]) is _Text:  # a long string is written in several
            text = content.pop() + text
        content.append(_Text(text))
    elif kind == "quoted":
        content.append(Atom(_unquoted(token).decode("utf-8", "surrogateescape")))
    elif kind == "atom":
        content.append(Atom(token.decode()))
    elif kind == "number":
        content.append(float(token) if b"." in token else int(token))
    elif kind == "opaque":
        content.append(None)
    else:
        raise ValueError(f"this is out of place in a term: {token[:20]!r}")


class _Text(str):
    """A string; the next one, if nothing stands between, belongs to it."""

    __slots__ = ()


def _unquoted(token: bytes) -> bytes:
    inner = token[1:-1]
    return _ESCAPE.sub(_unescaped, inner) if b"\\" in inner else inner


def _unescaped(found: "re.Match[bytes]") -> bytes:
    code = found[1]
    if code.startswith(b"x{"):
        number = int(code[2:-1], 16)
        return bytes((number,)) if number < 256 else chr(number).encode()
    if code.startswith(b"x") and len(code) == 3:
        return bytes((int(code[1:], 16),))
    if code[:1] in b"01234567":
        return bytes((int(code, 8) & 0xFF,))
    if code.startswith(b"^"):
        return bytes((code[1] & 0x1F,))
    return _ESCAPES.get(code, code)
