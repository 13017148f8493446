"""One connection of HTTP: its deadlines, what is written in answer, and how it becomes another protocol (RFC 9112)."""

from enum import Enum
from typing import Any

from twisted.internet.interfaces import IProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.core.http import FileBody, HttpError, HttpResponse
from xmppd.core.timers import Timer
from xmppd.net.http.answers import Answering
from xmppd.net.http.channel import BriefExchange, Channel, Exchange, take_brief
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
    OVER = "nothing: it is gone, or speaks another protocol"


@implementer(IProtocol)
class HttpConnection:
    """One connection. What reads requests is made with the first that is not brief (`take_brief`)."""

    __slots__ = (
        "__weakref__",
        "_ahead",
        "_answering",
        "_brief",
        "_came",
        "_channel",
        "_deadline",
        "_is_tls",
        "_parts",
        "_phase",
        "_requests",
        "_seen",
        "_successor",
        "factory",
        "peer",
        "persistent",
        "transport",
    )

    transport: Any  # Twisted's or ours
    persistent: int
    """Whether another request may come behind a brief one; as Twisted has it for the others."""

    def __init__(self, parts: HttpParts, is_tls: bool, factory: Any) -> None:
        """*factory* knows all connections, and hears when this one is gone or speaks HTTP no more."""
        self._parts = parts
        self._is_tls = is_tls
        self.factory = factory
        self._channel: Channel | None = None
        self._successor: Any = None
        self._phase = Phase.START
        self._deadline: Timer | None = None
        self._came = self._seen = self._requests = 0
        self._answering: Answering | None = None
        self._brief: BriefExchange | None = None
        self._ahead = b""
        self.persistent = True
        self.peer = ""

    # -- what Twisted tells -------------------------------------------------------------------------------------------

    def makeConnection(self, transport: Any) -> None:
        """Begin."""
        self.transport = transport
        self.connectionMade()

    def connectionMade(self) -> None:
        """The clock runs."""
        self.peer = getattr(self.transport.getPeer(), "host", "")
        self._enter(Phase.START, self._parts.site.options.head_timeout_s)

    def dataReceived(self, data: bytes) -> None:
        """Take *data*."""
        if self._successor is not None:
            self._successor.dataReceived(data)
            return
        if self._brief is not None:
            self._ahead += data
            if len(self._ahead) > AHEAD_BYTES:
                self.transport.pauseProducing()
            return
        channel, phase = self._channel, self._phase
        if phase is Phase.IDLE or phase is Phase.START:
            if channel is None or channel.is_between:
                data = data if channel is None else channel.unread() + data
                brief = take_brief(self, data, self._parts.site.options.head_bytes)
                if brief is not None:
                    self._brief = brief
                    self._stop_deadline()
                    self._enter(Phase.ANSWER, None)
                    self._handle(brief)
                    return
            if phase is Phase.IDLE:
                self._enter(Phase.HEAD, self._parts.site.options.head_timeout_s)
        (channel or self._open_channel()).dataReceived(data)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is gone."""
        if self._successor is not None:
            self._successor.connectionLost(reason)
            return
        self._end_deadline()
        channel, self._channel = self._channel, None
        self._phase, self._ahead = Phase.OVER, b""
        brief, self._brief = self._brief, None
        if brief is not None:
            brief.is_lost = True
            brief.request.body.release()
        self.factory.closed(self)
        if channel is not None:
            channel.connectionLost(reason)  # type: ignore[no-untyped-call]  # Twisted's

    def shut_down(self) -> None:
        """The server ends: so does what is not being answered, and all else soon."""
        if self._phase not in (Phase.ANSWER, Phase.SENDING):
            self._close()
            return
        self.persistent = False
        if self._channel is not None:
            self._channel.persistent = False

    def waited_too_long(self) -> None:
        """No other request has come."""
        self._close()

    def _open_channel(self) -> Channel:
        channel = self._channel = Channel(self, self._parts.site.options.head_bytes)
        channel.makeConnection(self.transport)  # type: ignore[no-untyped-call]  # Twisted's
        return channel

    # -- what a brief request is answered by: `Way` -------------------------------------------------------------------

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """Have *producer* write."""
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """It has written all."""
        self.transport.unregisterProducer()

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
        self._enter(Phase.IDLE, None)
        if self._brief is not None:
            self._brief = None
            self._go_on()

    # -- answers ------------------------------------------------------------------------------------------------------

    def _handle(self, exchange: Exchange | BriefExchange) -> None:
        self._requests += 1
        request = exchange.request
        self._parts.site.identify(request, self.peer, self._is_tls)
        self._parts.site.respond(request, exchange)

    def answer(self, exchange: Exchange | BriefExchange, response: HttpResponse) -> None:
        """Write *response*, unless nobody is there any more."""
        if exchange.is_lost or exchange.is_answered or self._phase is Phase.OVER:
            return
        exchange.is_answered = True
        if isinstance(response, Takeover) and isinstance(exchange, Exchange):  # begins with a GET
            self._switch(exchange, exchange.channel, response)
            return
        if self._requests >= self._parts.site.options.requests_per_connection or not exchange.is_whole:
            exchange.way.persistent = False
        self._answering = Answering(self._parts, exchange, lambda is_whole: self._written(exchange, is_whole))
        if isinstance(response.body, FileBody):
            self._enter(Phase.SENDING, self._parts.site.options.idle_timeout_s)
        self._answering.write(response)

    def _go_on(self) -> None:
        """A brief request has been answered: close, or take what came meanwhile."""
        if not self.persistent:
            self._close()
        elif self._ahead:
            ahead, self._ahead = self._ahead, b""
            self.transport.resumeProducing()
            self.dataReceived(ahead)

    def _switch(self, exchange: Exchange, channel: Channel, response: Takeover) -> None:
        """From now on all that comes is for another protocol."""
        self._parts.log.answered(exchange.request, response.status, 0)
        self._end_deadline()
        self.transport.unregisterProducer()
        self.transport.write(self._parts.heads.bare(response.status, response.headers))
        self._channel, self._phase = None, Phase.OVER
        self._successor = response.protocol
        exchange.request.body.release()
        channel.requests.clear()
        channel.successor = response.protocol
        self.factory.closed(self)
        if getattr(self.transport, "protocol", None) is self:
            self.transport.protocol = response.protocol  # from now on past this connection
        response.protocol.makeConnection(self.transport)

    def _written(self, exchange: Exchange | BriefExchange, is_whole: bool) -> None:
        if exchange.is_lost or self._phase is Phase.OVER:
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
        parts, timers = self._parts, self._parts.timers
        if self._phase is Phase.IDLE:
            parts.idle.remove(self)
        self._phase = phase
        if phase is Phase.IDLE:
            parts.idle.add(self)
        if seconds is None:
            return  # it is put off again soon, or rings in vain
        if self._deadline is None:
            self._deadline = timers.add(seconds, self._rings)
        else:
            timers.reschedule(self._deadline, seconds)

    def _rings(self, now: float, timer: Timer, param: None) -> float | None:
        """A deadline is over; who has gone on since the last one gets another."""
        options = self._parts.site.options
        if self._phase in (Phase.ANSWER, Phase.IDLE):
            self._deadline = None
            return None
        if self._phase is Phase.BODY and self._has_progress(options.body_bytes):
            return options.body_timeout_s
        if self._phase is Phase.SENDING and self._answering is not None and self._answering.has_progress():
            return options.idle_timeout_s
        self._deadline = None
        if self._phase in (Phase.HEAD, Phase.BODY):
            self.refuse(408)
        elif self._phase is Phase.LINGER or not (self._is_tls or self._phase is Phase.SENDING):
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
        self._enter(Phase.ANSWER, None)
        self._stop_deadline()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._parts.timers.stop(self._deadline)
            self._deadline = None

    def _close(self) -> None:
        self._end_deadline()
        if self._channel is not None:
            self._channel.loseConnection()  # type: ignore[no-untyped-call]  # Twisted's
        else:
            self.transport.loseConnection()
