"""One connection of HTTP: its deadlines, what is written in answer, and how it becomes another protocol (RFC 9112)."""

from collections.abc import Callable
from enum import Enum
from typing import Any

from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure

from xmppd.core.http import FileBody, HttpError, HttpResponse
from xmppd.core.timers import Timer
from xmppd.net.http.answers import Answering
from xmppd.net.http.channel import BriefExchange, Channel, Exchange
from xmppd.net.http.pages import error_response
from xmppd.net.http.parts import HttpParts
from xmppd.net.http.takeover import Takeover

LINGER_BYTES = 256 * 1024
AHEAD_BYTES = 16 * 1024
"""What is read of a client that sends more before it is answered."""
LINGER_S = 2.0
"""How long what is still being sent is read and forgotten when it was answered already: a connection that is closed
over it would take the answer with it."""


class Phase(Enum):
    """What a connection waits for."""

    START = "the first request"
    IDLE = "another request"
    HEAD = "the rest of a head"
    BODY = "the rest of a body"
    ANSWER = "the answer"
    SENDING = "the client to take a file"
    LINGER = "the end of what is not read"


class HttpConnection(TwistedProtocol):
    """One connection."""

    transport: Any  # Twisted's or ours

    def __init__(self, parts: HttpParts, is_tls: bool, closed: Callable[["HttpConnection"], None]) -> None:
        self._parts = parts
        self._is_tls = is_tls
        self._closed = closed
        self._channel: Channel | None = None
        self._inner: Any = None
        self._phase = Phase.START
        self._deadline: Timer | None = None
        self._came = self._seen = self._requests = 0
        self._answering: Answering | None = None
        self._brief: BriefExchange | None = None
        self._ahead: list[bytes] = []
        self.peer = ""

    # -- what Twisted tells -------------------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Begin; the clock runs."""
        self.peer = getattr(self.transport.getPeer(), "host", "")
        options = self._parts.site.options
        self._channel = self._inner = Channel(self, options.head_bytes)
        self._channel.makeConnection(self.transport)  # type: ignore[no-untyped-call]  # Twisted's
        self._enter(Phase.START, options.head_timeout_s)

    def dataReceived(self, data: bytes) -> None:
        """Take *data*."""
        if self._brief is not None:
            self._ahead.append(data)
            if sum(map(len, self._ahead)) > AHEAD_BYTES:
                self.transport.pauseProducing()
            return
        if self._phase is Phase.IDLE or self._phase is Phase.START:
            brief, data = self._channel.take_brief(data) if self._channel is not None else (None, data)
            if brief is not None:
                self._brief = brief
                self._enter(Phase.ANSWER, None)
                self._handle(brief)
                return
            if self._phase is Phase.IDLE:
                self._enter(Phase.HEAD, self._parts.site.options.head_timeout_s)
        self._inner.dataReceived(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is gone."""
        self._end_deadline()
        inner, self._inner, self._channel = self._inner, None, None
        self._ahead.clear()
        brief, self._brief = self._brief, None
        if brief is not None:
            brief.is_lost = True
            brief.request.body.release()
        self._closed(self)
        if inner is not None:
            inner.connectionLost(reason)

    def shut_down(self) -> None:
        """The server ends: so does what is not being answered, and all else soon."""
        if self._phase in (Phase.ANSWER, Phase.SENDING) and self._channel is not None:
            self._channel.persistent = False
        else:
            self._close()

    # -- what the channel tells ---------------------------------------------------------------------------------------

    def head_came(self, exchange: Exchange) -> None:
        """A request is to be answered, and its body is on its way."""
        options = self._parts.site.options
        self._came = self._seen = 0
        self._enter(Phase.BODY, options.body_timeout_s)
        self._handle(exchange)

    def body_came(self, size: int) -> None:
        """So many bytes more."""
        self._came += size
        if self._phase is Phase.LINGER and self._came > LINGER_BYTES:
            self._close()

    def request_whole(self, exchange: Exchange) -> None:
        """All of a request has come; one without a body is answered now."""
        if self._phase is Phase.LINGER:
            self._close()
            return
        if self._phase is not Phase.SENDING:
            self._enter(Phase.ANSWER, None)
        if exchange.request.content_length == 0:
            self._handle(exchange)

    def refuse(self, status: int) -> None:
        """What comes is no request."""
        response = error_response(HttpError(status))
        body = response.body
        assert isinstance(body, bytes)
        more = f"Content-Length: {len(body)}\r\nConnection: close\r\n"
        head = self._parts.heads.head(status, response.headers, more, self._parts.now())
        self.transport.write(head + body)
        self._parts.log.refused(self.peer, status)
        self._close()

    def request_done(self) -> None:
        """A request has been answered."""
        self._answering = None
        self._enter(Phase.IDLE, self._parts.site.options.idle_timeout_s)
        if self._brief is not None:
            self._brief = None
            self._go_on()

    # -- answers ------------------------------------------------------------------------------------------------------

    def _handle(self, exchange: Exchange | BriefExchange) -> None:
        self._requests += 1
        request = exchange.request
        self._parts.site.identify(request, self.peer, self._is_tls)
        self._parts.site.respond(request, lambda response: self._answer(exchange, response))

    def _answer(self, exchange: Exchange | BriefExchange, response: HttpResponse) -> None:
        """Write *response*, unless nobody is there any more."""
        channel = self._channel
        if exchange.is_lost or exchange.is_answered or channel is None:
            return
        exchange.is_answered = True
        if isinstance(response, Takeover) and isinstance(exchange, Exchange):  # begins with a GET
            self._switch(exchange, channel, response)
            return
        if self._requests >= self._parts.site.options.requests_per_connection or not exchange.is_whole:
            channel.persistent = False
        self._answering = Answering(self._parts, exchange, lambda is_whole: self._written(exchange, is_whole))
        if isinstance(response.body, FileBody):
            self._enter(Phase.SENDING, self._parts.site.options.idle_timeout_s)
        self._answering.write(response)

    def _go_on(self) -> None:
        """A brief request has been answered: close, or take what came meanwhile."""
        channel = self._channel
        if channel is not None and not channel.persistent:
            self._close()
        elif self._ahead:
            ahead = b"".join(self._ahead)
            self._ahead.clear()
            self.transport.resumeProducing()
            self.dataReceived(ahead)

    def _switch(self, exchange: Exchange, channel: Channel, response: Takeover) -> None:
        """From now on all that comes is for another protocol."""
        self._parts.log.answered(exchange.request, response.status, 0)
        self._end_deadline()
        self.transport.unregisterProducer()
        self.transport.write(self._parts.heads.bare(response.status, response.headers))
        self._inner, self._channel = response.protocol, None
        exchange.request.body.release()
        channel.requests.clear()
        channel.successor = response.protocol
        self._closed(self)
        response.protocol.makeConnection(self.transport)

    def _written(self, exchange: Exchange | BriefExchange, is_whole: bool) -> None:
        channel = self._channel
        if exchange.is_lost or channel is None:
            return
        if not is_whole:
            self.transport.abortConnection()
        elif exchange.is_whole:
            exchange.finish()
        else:
            exchange.request.body.drop()
            self._came = 0
            self._enter(Phase.LINGER, LINGER_S)

    # -- deadlines ----------------------------------------------------------------------------------------------------

    def _enter(self, phase: Phase, seconds: float | None) -> None:
        self._phase = phase
        timers = self._parts.timers
        if seconds is None:
            return  # it is put off again soon, or rings in vain
        if self._deadline is None:
            self._deadline = timers.add(seconds, self._rings)
        else:
            timers.reschedule(self._deadline, seconds)

    def _rings(self, now: float, timer: Timer, param: None) -> float | None:
        """A deadline is over; who has gone on since the last one gets another."""
        options = self._parts.site.options
        if self._phase is Phase.ANSWER:
            self._deadline = None
            return None
        if self._phase is Phase.BODY and self._has_progress(options.body_bytes):
            return options.body_timeout_s
        if self._phase is Phase.SENDING and self._answering is not None and self._answering.has_progress():
            return options.idle_timeout_s
        self._deadline = None
        if self._phase in (Phase.HEAD, Phase.BODY):
            self.refuse(408)
        elif self._phase in (Phase.IDLE, Phase.LINGER) or not (self._is_tls or self._phase is Phase.SENDING):
            self._close()
        else:
            self.transport.abortConnection()
        return None

    def _has_progress(self, wanted: int) -> bool:
        """Whether enough of a body has come, or we are those who do not take it."""
        came, self._seen = self._came - self._seen, self._came
        channel = self._channel
        return came >= wanted or (channel is not None and channel.requests[-1].request.body.is_paused)

    def _end_deadline(self) -> None:
        self._phase = Phase.ANSWER
        self._parts.timers.stop(self._deadline)
        self._deadline = None

    def _close(self) -> None:
        self._end_deadline()
        if self._channel is not None:
            self._channel.loseConnection()  # type: ignore[no-untyped-call]  # Twisted's
