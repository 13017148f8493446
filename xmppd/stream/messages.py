"""Messages of a WebSocket, each of them one whole element, to events of a stream: RFC 7395 3.3. No I/O.

A message is one element with all its namespaces declared in it, the first character ``<`` (3.3.3). An element that
declares none is taken for one in the content namespace: other servers do so too, and nothing else could be meant.
``<open/>`` and ``<close/>`` stand for the header and the end of a stream (3.4, 3.6), also in those of a restart.
"""

from typing import Final

from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stream.events import Event, StreamClosed, StreamOpened
from xmppd.stream.framing import NS_FRAMING
from xmppd.stream.header import LANGUAGE
from xmppd.stream.limits import StreamLimits
from xmppd.stream.parser_pool import ParserPool

_TAG: Final = "stream"
_NO_PREFIXES: Final[dict[str, str]] = {}
_FIRST: Final = b"<"


class MessageFramer:
    """The reading side of one stream over WebSocket; between messages it holds neither a parser nor bytes."""

    __slots__ = ("_is_open", "_is_over", "_shelf", "from_", "lang", "limits")

    def __init__(self, limits: StreamLimits, pool: ParserPool) -> None:
        self.limits = limits
        """Holds from the next message on."""
        self.lang: str | None = None
        """The xml:lang of ``<open/>``."""
        self.from_: str | None = None
        """Whom stanzas are from that do not say it, where that is known (RFC 6120 8.1.2.1)."""
        self._shelf = pool.shelf(_TAG, ns.CLIENT, _NO_PREFIXES, ns.CLIENT)
        self._is_open = self._is_over = False

    def feed(self, message: bytes) -> Event:
        """Give what a whole message is; a `StreamError` or a `StreamClosed` is the last there ever is."""
        if message[:1] != _FIRST:
            return self._end(StreamError("bad-format", "a message begins with an element"))
        event = self._simple_stanza(message)
        if event is not None:
            return event
        parser = self._shelf.take(self.limits, self.lang)
        events = parser.feed(message)
        if not parser.is_idle or len(events) != 1:
            parser.close()
            return self._end(_what_is_wrong(events))
        self._shelf.give(parser)
        event = events[0]
        if type(event) is Element and event.ns == NS_FRAMING:
            return self._frame(event)
        if not self._is_open:
            return self._end(StreamError("bad-format", "a stream begins with <open/>"))
        return event

    def _simple_stanza(self, message: bytes) -> Event | None:
        """Give what needs no parser; None where it does."""
        events: list[Event] = []
        if not self._is_open or self._shelf.simple is None:
            return None
        end = self._shelf.simple.read(message, 0, self.limits, self.lang, self.from_, events)
        return events[0] if end == len(message) and len(events) == 1 else None

    def restart(self) -> None:
        """Expect another ``<open/>`` (RFC 7395 3.7)."""
        self._is_open = False
        self.lang = None

    def close(self) -> None:
        """Nothing more comes out of this framer."""
        self._is_over = True

    @property
    def is_over(self) -> bool:
        """Whether the last event was given."""
        return self._is_over

    def _frame(self, element: Element) -> Event:
        if element.name == "close":
            return self._end(StreamClosed())
        if element.name != "open" or self._is_open:
            return self._end(StreamError("bad-format", "not expected here"))
        attrs = {name: value for name, value in element.attrs.items() if name != "xmlns"}
        if not LANGUAGE.fullmatch(attrs.get("xml:lang", "en")):
            del attrs["xml:lang"]
        self._is_open, self.lang = True, attrs.get("xml:lang")
        return StreamOpened(attrs, ns.CLIENT, ns.STREAMS, "stream")

    def _end(self, event: Event) -> Event:
        self.close()
        return event


def _what_is_wrong(events: list[Event]) -> StreamError:
    """Give the error of the parser, or say that it is not one whole element."""
    for event in events:
        if isinstance(event, StreamError):
            return event
    return StreamError("bad-format", "a message is one element")
