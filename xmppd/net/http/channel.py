"""What reads requests: Twisted's HTTP/1.1, made stricter (RFC 9112).

Refused besides what Twisted refuses: a transfer coding other than ``chunked``, one in HTTP/1.0, a length of very many
digits, none or several Host fields, folded header lines, and heads that are too long. A request is told as soon as its
head is there (`Exchange.begin`), and its body piece by piece.
"""

from typing import Any, Protocol

from twisted.python.failure import Failure
from twisted.web import http

from xmppd.core.http import HttpResponse
from xmppd.net.http.body import Body, WholeBody
from xmppd.net.http.brief import brief_request
from xmppd.net.http.request import Request

MAX_HEADERS = 100
MAX_LINES = MAX_HEADERS + 2
"""With the one before the headers, and the empty one behind them."""
LENGTH_DIGITS = 18
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BAD_REQUEST, _TOO_LONG, _NOT_IMPLEMENTED = 400, 431, 501


class Way(Protocol):
    """What a response is written to."""

    transport: Any
    persistent: int
    """Whether another request may come behind it."""

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """Have *producer* write, and pause while there is no room."""

    def unregisterProducer(self) -> None:
        """It has written all."""


class Connection(Way, Protocol):
    """What a channel tells its connection."""

    def answer(self, exchange: "Exchange | BriefExchange", response: HttpResponse) -> None:
        """Write *response*, unless nobody is there any more."""

    def head_came(self, exchange: "Exchange") -> None:
        """A request is to be answered; its body may be on its way."""

    def body_came(self, size: int) -> None:
        """So many bytes more of it have come."""

    def request_whole(self, exchange: "Exchange") -> None:
        """All of it has come."""

    def refuse(self, status: int) -> None:
        """What comes is no request that can be answered: say so, and end."""

    def request_done(self) -> None:
        """It has been answered; another may come."""


class TakesData(Protocol):
    """What goes on with a connection that speaks HTTP no more."""

    def dataReceived(self, data: bytes) -> None:
        """Take *data*."""


class Exchange(http.Request):
    """A request and what is written in answer to it, as Twisted's channel wants it."""

    channel: "Channel"
    request: Request
    _body: Body

    def __init__(self, channel: "Channel", queued: object = False) -> None:
        super().__init__(channel)
        self.is_lost = self.is_answered = self.is_whole = False

    def begin(self, method: bytes, target: bytes, version: bytes, length: int | None) -> None:
        """The head is there."""
        self.clientproto = version
        headers = {
            name.decode("ascii").lower(): ", ".join(value.decode("latin-1") for value in values)
            for name, values in self.requestHeaders.getAllRawHeaders()
        }
        channel = self.channel
        is_asked = version == b"HTTP/1.1" and headers.get("expect", "").lower() == "100-continue"
        begin = channel.send_continue if is_asked else _nothing
        self._body = body = Body(length, begin, self._pause)
        self.request = Request(method.decode("ascii"), target.decode("latin-1"), headers, body)

    @property
    def way(self) -> Way:
        """The channel: what comes behind this request is read by it."""
        return self.channel

    def answer(self, response: HttpResponse) -> None:
        """Write *response*; nobody is there any more whom to write to where it is lost."""
        if not self.is_lost:
            self.channel.connection.answer(self, response)

    def gotLength(self, length: int | None) -> None:
        """Twisted would make a file for the body."""

    def handleContentChunk(self, data: bytes) -> None:
        """Some of the body is there."""
        self.channel.connection.body_came(len(data))
        self._body.came(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All of it is there."""
        self.is_whole = True
        self.channel.connection.request_whole(self)
        self._body.ended()

    def connectionLost(self, reason: Failure) -> None:
        """Nobody is there any more who would be answered."""
        self.is_lost = True
        if hasattr(self, "request"):  # else its head has not come
            self._body.broken()
            self.request.body.release()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def finish(self) -> None:
        """It has been answered."""
        self.channel.requestDone(self)

    def _pause(self, is_paused: bool) -> None:
        transport: Any = self.channel.transport
        if self.is_lost or transport is None:
            return
        if is_paused:
            transport.pauseProducing()
        else:
            transport.resumeProducing()


class BriefExchange:
    """A request that came whole, in one piece (`brief_request`), and is answered past Twisted's channel."""

    __slots__ = ("is_answered", "is_lost", "request", "way")
    is_whole = True

    def __init__(self, connection: Connection, request: Request) -> None:
        self.way = connection
        self.request = request
        self.is_lost = self.is_answered = False

    def finish(self) -> None:
        """It has been answered."""
        self.request.body.release()
        self.way.request_done()

    def answer(self, response: HttpResponse) -> None:
        """Write *response*."""
        self.way.answer(self, response)


def take_brief(connection: Connection, data: bytes, head_bytes: int) -> BriefExchange | None:
    """Take *data* as a brief request; None where it is none."""
    found = brief_request(data, head_bytes, MAX_HEADERS)
    if found is None:
        return None
    target, headers, body = found
    return BriefExchange(connection, Request("POST", target, headers, WholeBody(body)))


class Channel(http.HTTPChannel):
    """One connection's requests, one after the other."""

    maxHeaders = MAX_HEADERS
    timeOut = None  # time is watched by the connection
    requestFactory = Exchange  # type: ignore[assignment]  # its first argument is this class
    requests: list[Exchange]

    def __init__(self, connection: Connection, head_bytes: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self.totalHeadersSize = self.MAX_LENGTH = head_bytes
        self.connection = connection
        self.request_line: bytes | None = None
        self.successor: TakesData | None = None
        """Who takes all that comes from now on (RFC 9110 7.8)."""
        self._size = self._lines = 0
        self._is_refused = False

    def lineReceived(self, line: bytes) -> None:
        """Take a line of a head."""
        if self._is_refused:
            return
        if self.request_line is None:
            if not line:  # RFC 9112 2.2: an empty line before a request is skipped
                super().lineReceived(line)  # type: ignore[no-untyped-call]
                return
            self.request_line, self._size, self._lines = line, 0, 0
        elif line[:1] in (b" ", b"\t"):  # RFC 9112 5.2
            self.refuse(_BAD_REQUEST)
            return
        self._size += len(line) + len(self.delimiter)
        self._lines += 1
        if self._size > self.totalHeadersSize or self._lines > MAX_LINES:
            self.refuse(_TOO_LONG)
            return
        super().lineReceived(line)  # type: ignore[no-untyped-call]

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line of the head is too long."""
        self.refuse(_TOO_LONG)

    def headerReceived(self, line: bytes) -> bool:
        """Look at a header before Twisted does."""
        name, _, value = line.partition(b":")
        lowered, value = name.lower(), value.strip(b" \t")
        status = None
        if lowered == b"transfer-encoding":
            is_new = (self.request_line or b"").endswith(b" HTTP/1.1")
            status = None if value.lower() == b"chunked" and is_new else _NOT_IMPLEMENTED
        elif lowered == b"content-length" and len(value) > LENGTH_DIGITS:
            status = _BAD_REQUEST
        if status is not None:
            self.refuse(status)
            return False
        return bool(super().headerReceived(line))  # type: ignore[no-untyped-call]

    def allHeadersReceived(self) -> None:
        """A head is there."""
        exchange, line = self.requests[-1], self.request_line or b""
        method, target, version = line.split(b" ")
        names = exchange.requestHeaders.getRawHeaders(b"host") or []
        if len(names) > 1 or (version == b"HTTP/1.1" and not names):  # RFC 9112 3.2
            self.refuse(_BAD_REQUEST)
            return
        self.persistent = self.checkPersistence(exchange, version)  # type: ignore[no-untyped-call]
        exchange.begin(method, target, version, self.length)
        if self.length != 0:
            self.connection.head_came(exchange)

    def allContentReceived(self) -> None:
        """A request is whole."""
        if self._is_refused:
            return
        self.request_line = None
        super().allContentReceived()  # type: ignore[no-untyped-call]

    def rawDataReceived(self, data: bytes) -> None:
        """Take what is no line of a head."""
        if self.successor is not None:
            self.successor.dataReceived(data)
        elif not self._is_refused:
            super().rawDataReceived(data)

    def refuse(self, status: int) -> None:
        """Take no more."""
        if not self._is_refused:
            self._is_refused = True
            self.setRawMode()  # type: ignore[no-untyped-call]
            self.connection.refuse(status)

    @property
    def is_between(self) -> bool:
        """Whether what comes now begins a request, but for what `unread` gives."""
        return self.request_line is None and bool(self.persistent) and not self.requests

    def unread(self) -> bytes:
        """Give back what was not enough for a line."""
        waiting: bytes = self.clearLineBuffer()  # type: ignore[no-untyped-call]  # Twisted's
        return waiting

    def send_continue(self) -> None:
        """RFC 9110 10.1.1: the body is wanted."""
        self.transport.write(_CONTINUE)  # type: ignore[union-attr]  # there is one

    def requestDone(self, request: Exchange) -> None:
        """An exchange is over."""
        request.request.body.release()
        self.connection.request_done()  # before: the next one may be there already
        super().requestDone(request)  # type: ignore[no-untyped-call]


def _nothing() -> None:
    """The client sends without being asked."""
