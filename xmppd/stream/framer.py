"""Bytes of a stream to events (RFC 6120 4), within limits, without I/O.

Covered: the header, first-level elements, the end tag, restricted XML, restarts. What the addresses and
versions in a header are worth is for the caller to judge. Not covered: the framing of RFC 7395.
"""

from typing import Final

from xmppd.stanza import ns
from xmppd.stanza.errors import StreamError
from xmppd.stream.events import Event, StreamClosed, StreamOpened
from xmppd.stream.header import HeaderReader
from xmppd.stream.limits import StreamLimits
from xmppd.stream.parser import StreamParser
from xmppd.stream.parser_pool import ParserPool, Shelf
from xmppd.stream.simple_stanzas import SimpleStanzas
from xmppd.stream.xml_rules import WHITE_SPACE

__all__ = ["Event", "Framer", "StreamClosed", "StreamOpened"]

BACKLOG_BYTES: Final = 65_536
"""How much a peer may send ahead of the steps of a negotiation."""

TIRED_BYTES: Final = 262_144
"""When a parser that is never idle is replaced, since its tables only grow."""

WORTH_BYTES: Final = 1024
"""With so much behind an element it is worth while to look for its end: what follows may need no parser."""


class Framer:
    """The reading side of one stream.

    `feed` gives the events that the new bytes complete, in order; a `StreamError` or a `StreamClosed` is
    the last there ever is. With `stepwise` it stops after the first element or header and keeps the rest
    unread for the next call, so that the caller may change the rules in between (STARTTLS, SASL).
    With `tells_begun` there is an `ElementBegun` for each element that is no stanza and does not come at once.
    Between elements it holds neither a parser nor bytes.
    """

    __slots__ = (
        "_backlog",
        "_content_ns",
        "_header",
        "_is_over",
        "_parser",
        "_pool",
        "_shelf",
        "from_",
        "lang",
        "limits",
        "stepwise",
        "tells_begun",
    )

    def __init__(
        self, limits: StreamLimits, pool: ParserPool | None = None, content_ns: str = ns.CLIENT
    ) -> None:
        self.limits = limits
        """Holds from the next element on."""
        self.stepwise = True
        self.tells_begun = False
        self.lang: str | None = None
        """The xml:lang of the stream header (RFC 6120 4.7.4)."""
        self.from_: str | None = None
        """Whom stanzas may be said to be from that do not say it (RFC 6120 8.1.2.1); those of a parser are not."""
        self._pool = ParserPool(0) if pool is None else pool
        self._content_ns = content_ns
        self._backlog = b""
        self._header: HeaderReader | None = None
        self._shelf: Shelf | None = None
        self._parser: StreamParser | None = None
        self._is_over = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that *data* completes, together with what was kept back. Never raises."""
        shelf = self._shelf
        if self.stepwise or self._backlog or shelf is None:
            events = self._feed_slowly(data)
        elif shelf.simple is None:
            events = self._read(data, shelf)
        else:
            events = self._read_simple(data, shelf, shelf.simple)
        if self._parser is not None and self.tells_begun:
            begun = self._parser.begun()
            if begun is not None:
                events.append(begun)
        return events

    def restart(self) -> None:
        """Expect a new header (RFC 6120 4.3.3); bytes that wait are part of the new stream."""
        self._drop_parser()
        self._shelf = None
        self.lang = None

    def discard(self) -> None:
        """Forget all bytes that wait: they came before TLS did (RFC 6120 5.4.3.3)."""
        self._backlog = b""
        self._drop_parser()

    def close(self) -> None:
        """Give everything back; nothing more comes out of this framer."""
        self._is_over = True
        self._backlog = b""
        self._shelf = None
        self._drop_parser()

    def _feed_slowly(self, data: bytes) -> list[Event]:
        """The header, step by step, or with a backlog."""
        if self._is_over:
            return []
        data = self._backlog + data
        self._backlog = b""
        events: list[Event] = []
        place = 0
        while place < len(data) and not self._is_over and not (events and self.stepwise):
            if self._shelf is None:
                place += self._read_header(data[place:] if place else data, events)
                continue
            end = data.find(b">", place) + 1 if self.stepwise else 0
            piece = data[place : end or len(data)]
            place += len(piece)
            events += self._read(piece, self._shelf)
        if not self._is_over:
            self._backlog = data[place:]
            if len(self._backlog) > BACKLOG_BYTES:
                self.close()
                events.append(StreamError("policy-violation", "too much sent ahead"))
        return events

    def _read_simple(self, data: bytes, shelf: Shelf, simple: SimpleStanzas) -> list[Event]:
        """Read stanzas of the simplest shape without a parser; what is not such, or came in part before, by one."""
        events: list[Event] = []
        place, size = 0, len(data)
        while place < size and not self._is_over:
            if self._parser is None:
                place = simple.read(data, place, self.limits, self.lang, self.from_, events)
            if place < size:
                place = self._read_one(data, place, shelf, events)
        return events

    def _read_one(self, data: bytes, place: int, shelf: Shelf, events: list[Event]) -> int:
        """Have a parser read on from *place*; give how far, that is the end of its element where that shows easily."""
        size = len(data)
        if size - place < WORTH_BYTES:
            events += self._read(data[place:] if place else data, shelf)
            return size
        end = data.find(b">", place) + 1 or size
        events += self._read(data[place:end], shelf)
        if self._parser is None:
            return end
        end_tag = self._parser.end_tag
        found = data.find(end_tag, end)
        place, end = end, size if found < 0 else found + len(end_tag)
        events += self._read(data[place:end], shelf)
        if self._parser is not None and end < size:  # an element of the same name is in it
            events += self._read(data[end:], shelf)
            return size
        return end

    def _read(self, piece: bytes, shelf: Shelf) -> list[Event]:
        parser = self._parser
        if parser is None:
            if not piece.strip(WHITE_SPACE):  # a keepalive (RFC 6120 4.6.1)
                return []
            parser = shelf.take(self.limits, self.lang)
        events = parser.feed(piece)
        if parser.is_idle:
            self._parser = None
            shelf.give(parser)
        else:
            self._hold(parser, len(piece))
        return events

    def _read_header(self, data: bytes, events: list[Event]) -> int:
        """Read on in the header; gives how many bytes of *data* it took."""
        header, is_whole = self._header, self._header is None
        if header is None:
            known = self._pool.known_header(data, self._content_ns, self.limits.tag_bytes)
            if known is not None:
                self._behind(known.opened, known.shelf, events)
                return known.size_bytes
            header = self._header = HeaderReader(self.limits)
        try:
            taken = header.feed(data)
        except StreamError as error:
            error.__traceback__ = error.__context__ = None
            events.append(error)
            self.close()
            return len(data)
        if header.opened is None:
            return taken
        self._header = None
        shelf = self._pool.shelf(header.tag, header.default_ns, header.prefixes, self._content_ns)
        self._behind(header.opened, shelf, events)
        if header.is_closed:
            events.append(StreamClosed())
            self.close()
        elif is_whole:
            self._pool.learn_header(data[:taken], self._content_ns, header.opened, shelf)
        return taken

    def _behind(self, opened: StreamOpened, shelf: Shelf, events: list[Event]) -> None:
        """The header is read: what follows is read by parsers of *shelf*."""
        self._shelf = shelf
        self.lang = opened.attrs.get("xml:lang")
        events.append(opened)

    def _hold(self, parser: StreamParser, size: int) -> None:
        """Keep *parser* for the rest of a half-received element, or end if it is over."""
        if parser.is_over:
            self.close()
            parser.close()
            return
        self._parser = parser
        if parser.fed > TIRED_BYTES:
            begun = parser.half_received()
            if len(begun) <= size:  # so that no byte is read more than twice
                fresh = StreamParser(parser.scope)
                fresh.limits = parser.limits
                fresh.lang = parser.lang
                fresh.feed(begun)
                parser.close()
                self._parser = fresh

    def _drop_parser(self) -> None:
        if self._header is not None:
            self._header.close()
            self._header = None
        if self._parser is not None:
            self._parser.close()
            self._parser = None
