"""Parsers at rest, lent to the streams that are just receiving something, and headers that were read before.

A live expat costs 10 to 15 KiB, so an idle session holds none. Only a parser between two elements comes
here, never one that saw an error, and never one that has read so much that its tables have grown.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from xmppd.stream.events import StreamOpened
from xmppd.stream.limits import StreamLimits
from xmppd.stream.parser import StreamParser
from xmppd.stream.scope import Scope

POOL_SIZE: Final = 32
SHELVES: Final = 8
SCOPE_BYTES: Final = 512
HEADERS: Final = 64
HEADER_BYTES: Final = 512
"""What is kept of headers: each stream has its own twice, and most have that of others."""
_XML_DECLARATION: Final = b"<?xml"
WORN_BYTES: Final = 65_536
"""A new parser costs about three microseconds, so one is thrown away early."""


class Shelf:
    """The parsers at rest behind one kind of header, at most *room* of them."""

    __slots__ = ("_at_rest", "_room", "_scope", "simple")

    def __init__(self, scope: Scope, room: int) -> None:
        self._scope = scope
        self.simple = scope.simple
        self._room = room
        self._at_rest: list[StreamParser] = []

    def __len__(self) -> int:
        """How many parsers are at rest."""
        return len(self._at_rest)

    @property
    def is_shared(self) -> bool:
        """Whether parsers rest here at all."""
        return self._room > 0

    def take(self, limits: StreamLimits, lang: str | None) -> StreamParser:
        """A parser between two elements, for a stream with that xml:lang."""
        parser = self._at_rest.pop() if self._at_rest else StreamParser(self._scope)
        parser.limits = limits
        parser.lang = lang
        return parser

    def give(self, parser: StreamParser) -> None:
        """Take *parser* back; it must be idle."""
        if parser.fed < WORN_BYTES and len(self._at_rest) < self._room:
            self._at_rest.append(parser)
        else:
            parser.close()


class KnownHeader(NamedTuple):
    """A header that is read already: what it opened, and where the parsers behind it rest."""

    size_bytes: int
    opened: StreamOpened
    shelf: Shelf


class ParserPool:
    """At most *size* parsers at rest for each of the few kinds of stream headers that are usual."""

    __slots__ = ("_headers", "_shelves", "_size")

    def __init__(self, size: int = POOL_SIZE) -> None:
        self._size = size
        self._shelves: dict[tuple[str, str, tuple[tuple[str, str], ...], str], Shelf] = {}
        self._headers: dict[tuple[bytes, str], KnownHeader] = {}

    def __len__(self) -> int:
        """How many parsers are at rest."""
        return sum(len(shelf) for shelf in self._shelves.values())

    def shelf(self, tag: str, default_ns: str, prefixes: Mapping[str, str], content_ns: str) -> Shelf:
        """Where parsers behind such a header rest; shared if the header is plain, else without room."""
        key = (tag, default_ns, tuple(sorted(prefixes.items())), content_ns)
        known = self._shelves.get(key)
        if known is not None:
            return known
        scope = Scope(tag, default_ns, prefixes, content_ns)
        if scope.is_plain and len(self._shelves) < SHELVES and len(scope.header) <= SCOPE_BYTES:
            return self._shelves.setdefault(key, Shelf(scope, self._size))
        return Shelf(scope, 0)

    def known_header(self, data: bytes, content_ns: str, most_bytes: int) -> KnownHeader | None:
        """Give the header of at most so many bytes that *data* begins with, if `learn_header` was told of the same."""
        end = data.find(b">") + 1
        if data.startswith(_XML_DECLARATION):
            end = data.find(b">", end) + 1
        return self._headers.get((data[:end], content_ns)) if end <= most_bytes else None

    def learn_header(self, data: bytes, content_ns: str, opened: StreamOpened, shelf: Shelf) -> None:
        """Keep that *data* is a whole header; of one for whose like no parsers are kept, nothing."""
        if len(data) <= HEADER_BYTES and shelf.is_shared:
            if len(self._headers) >= HEADERS:
                self._headers.clear()
            self._headers[data, content_ns] = KnownHeader(len(data), opened, shelf)
