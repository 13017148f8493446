"""What HTTP is for those who answer it: requests, responses, errors, and the table of who answers what (RFC 9110).

A module declares its routes (`xmppd.core.module.http`), and gets a request in whose path they were found. Where the
bytes come from is not known here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes

from twisted.internet.defer import Deferred

_DOUBTFUL = re.compile(r"/\.|[%\\\0]")
"""Without it, a path is its parts as they stand there."""
MAX_SEGMENTS = 32
"""Parts of a path between its slashes; one with more is nobody's."""


class Sink(Protocol):
    """What takes the body of a request piece by piece."""

    def write(self, data: bytes) -> Deferred[None] | None:
        """Take *data*; until what is given fires nothing more is read.

        What this raises, or what is given fails with, ends the reading, and is what `HttpRequest.receive` fails with.
        """


class HttpRequest(Protocol):
    """A request, as soon as its head is there; its body is read by `read` or `receive`, once."""

    @property
    def method(self) -> str:
        """As it came: methods are in capitals."""

    @property
    def path(self) -> str:
        """As it came, without the query; still with its percent signs."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the names in the pattern of the route stand for, decoded."""

    @property
    def query(self) -> Mapping[str, str]:
        """Decoded; of a name that stands there twice the last. `HttpError` where there are very many."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case; one that stands there several times, joined by ", "."""

    @property
    def host(self) -> str:
        """The domain that is meant, prepared."""

    @property
    def client(self) -> str:
        """The address of who asks, behind the proxies that are trusted."""

    @property
    def is_secure(self) -> bool:
        """Whether nobody on the way can read it: by TLS here or at a trusted proxy, or as it stays on this machine."""

    @property
    def content_length(self) -> int | None:
        """The size of the body in bytes; None where it comes in chunks of unknown number."""

    @property
    def base_url(self) -> str:
        """What the path stands behind, for links that others shall follow: ``https://example.org``, without a slash."""

    def read(self, limit: int) -> Deferred[bytes]:
        """Give the whole body; fails with `HttpError` 413 where it has more than *limit* bytes."""

    def receive(self, sink: Sink) -> Deferred[int]:
        """Have *sink* take the body; fires with its size once all is taken.

        Fails with `RequestLost` where it does not come whole. The size is not limited but by what *sink* takes.
        """


@dataclass(frozen=True, slots=True)
class FileBody:
    """A file as the body of a response; it is sent in pieces, by ranges and on conditions (RFC 9110 13, 14)."""

    path: Path
    size: int
    """In bytes; a file that has become shorter ends the connection."""
    etag: str
    """Without quotes; another content has another one."""
    last_modified: float
    """In seconds since 1970."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What a request is answered with; the headers that all have are added on the way."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | FileBody = b""


class HttpError(Exception):
    """A request that is not answered as it wants; becomes a short page, or JSON where that is preferred."""

    def __init__(self, status: int, text: str = "", headers: Mapping[str, str] | None = None) -> None:
        """*text* is for people, a sentence or two; *headers* go with it."""
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.headers = dict(headers or {})


class RequestLost(Exception):
    """Who asked is gone before the request was whole; there is nobody to answer."""


HttpAnswer = HttpResponse | Deferred[HttpResponse]
HttpHandler = Callable[[HttpRequest], HttpAnswer]


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers a method at the paths of a pattern.

    A pattern is a path in which ``{name}`` stands for one part between slashes, and ``{name*}``, at its end, for all
    that follow. What stands there literally goes before what stands for anything.
    """

    method: str
    pattern: str
    has_cors: bool = False
    """Whether pages of any other site may ask (CORS), and see why they were refused."""
    has_json: bool = False
    """Whether errors are told in JSON whatever is preferred, since programs ask here."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is at a path: handlers by method, and what the names of the pattern stand for."""

    methods: Mapping[str, tuple[Route, HttpHandler]]
    parameters: Mapping[str, str]

    @property
    def allowed(self) -> str:
        """The methods that are answered, as ``Allow`` tells them (RFC 9110 10.2.1)."""
        names = {*self.methods, "OPTIONS"} | ({"HEAD"} if "GET" in self.methods else set())
        return ", ".join(sorted(names))


class RouteTaken(Exception):
    """A method is answered already at the paths of this pattern; `taken_by` is its handler."""

    def __init__(self, route: Route, taken_by: HttpHandler) -> None:
        super().__init__(f"{route.method} {route.pattern}")
        self.taken_by = taken_by


class Routes:
    """The table of who answers what at one host, or at all."""

    def __init__(self) -> None:
        self._root = _Node()
        self._literal: dict[str, _Node] = {}
        """What has no name in its pattern, by the whole path: the most literal there can be, and found at once."""

    def add(self, route: Route, handler: HttpHandler) -> None:
        """Have *handler* answer; `RouteTaken`, and then nothing has changed, ValueError for a pattern that is none."""
        names, end = _read_pattern(route.pattern)
        node = self._root.reach(end)
        if node.methods and node.names != names:
            raise RouteTaken(route, next(iter(node.methods.values()))[1])
        if route.method in node.methods:
            raise RouteTaken(route, node.methods[route.method][1])
        node.names = names
        node.methods[route.method] = (route, handler)
        if not names:
            self._literal[route.pattern] = node

    def remove(self, route: Route) -> None:
        """Undo `add`."""
        del self._root.reach(_read_pattern(route.pattern)[1]).methods[route.method]

    def find(self, path: str) -> Found | None:
        """Give what there is at *path*; None where nothing is. `HttpError` 400 for what is no path."""
        literal = self._literal.get(path)
        if literal is not None and literal.methods:
            return Found(literal.methods, {})
        if not self._root.below:
            return None
        parts = path_parts(path)
        if len(parts) > MAX_SEGMENTS:
            return None
        for node, values in self._root.find(parts, 0):
            return Found(node.methods, dict(zip(node.names, values, strict=True)))
        return None

    def __bool__(self) -> bool:
        return self._root.is_used()


def path_parts(path: str) -> list[str]:
    """Give the decoded parts of a path; `HttpError` 400 where one would lead elsewhere or is no text."""
    if not path.startswith("/"):
        raise HttpError(400, "A path begins with a slash.")
    if _DOUBTFUL.search(path) is None:
        return path[1:].split("/")
    parts = [_decoded(part) for part in path[1:].split("/")]
    for part in parts:
        if part in (".", "..") or "/" in part or "\\" in part or "\0" in part:
            raise HttpError(400, "This path leads nowhere.")
    return parts


def _decoded(part: str) -> str:
    if "%" not in part:
        return part
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise HttpError(400, "This path is no text.") from None


ANY, REST = "{}", "{*}"
"""What stands in the tree for any one part, and for all that follow; no part of a pattern is written like that."""


class _Node:
    """What is behind one part of the patterns."""

    __slots__ = ("below", "methods", "names")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.methods: dict[str, tuple[Route, HttpHandler]] = {}
        self.names: tuple[str, ...] = ()

    def reach(self, parts: tuple[str, ...]) -> "_Node":
        """Give the node at these parts of a pattern; it is made."""
        node = self
        for part in parts:
            node = node.below.setdefault(part, _Node())
        return node

    def find(self, parts: list[str], place: int) -> "Iterator[tuple[_Node, list[str]]]":
        """Give the nodes that match from *place* on and answer anything, the most literal first, with the values."""
        if place == len(parts):
            if self.methods:
                yield self, []
            return
        literal, anything, rest = self.below.get(parts[place]), self.below.get(ANY), self.below.get(REST)
        if literal is not None and parts[place] not in (ANY, REST):
            yield from literal.find(parts, place + 1)
        if anything is not None and parts[place]:
            for node, values in anything.find(parts, place + 1):
                yield node, [parts[place], *values]
        if rest is not None and rest.methods:
            yield rest, ["/".join(parts[place:])]

    def is_used(self) -> bool:
        """Whether anything is answered here or below."""
        return bool(self.methods) or any(node.is_used() for node in self.below.values())


def _read_pattern(pattern: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the names in a pattern, and its parts with `ANY` and `REST` for them; ValueError where it is none."""
    if not pattern.startswith("/"):
        raise ValueError(f"a path begins with a slash: {pattern!r}")
    names, parts = [], pattern[1:].split("/")
    for place, part in enumerate(parts):
        if not part.startswith("{"):
            continue
        is_rest = part.endswith("*}")
        name = part[1 : -2 if is_rest else -1]
        if not part.endswith("}") or not name.isidentifier() or (is_rest and place + 1 < len(parts)):
            raise ValueError(f"not a pattern of paths: {pattern!r}")
        names.append(name)
        parts[place] = REST if is_rest else ANY
    return tuple(names), tuple(parts)
