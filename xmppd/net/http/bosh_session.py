"""A client's stream over BOSH: XEP-0124, XEP-0206; the `Link` of a `ClientStream`, and what its session writes to.

Which request is handled when, and what each gets, is `xmppd.stream.bosh.window`. A body is parsed when its turn has
come, by the limits that hold then. What is written in one turn leaves in one response.
"""

import re
from collections.abc import Mapping, Sequence
from math import inf
from typing import Final, Protocol

from xmppd.core.session import Session
from xmppd.core.timers import Timer, Timers
from xmppd.net.streams.client_stream import ClientStream
from xmppd.net.streams.paced import Hold, Paced, Reads
from xmppd.net.streams.services import StreamServices
from xmppd.stanza import ns
from xmppd.stanza.errors import StreamError
from xmppd.stream.bosh.body import HANDLED, Body, NoBody, write_body
from xmppd.stream.bosh.window import PAST_BYTES, Past, Request, Responses, Window, WindowError
from xmppd.stream.events import StreamClosed, StreamOpened
from xmppd.stream.framing import END_OF_BOSH, BOSHFraming, qualified
from xmppd.stream.parser_pool import ParserPool

RESPONSE_BYTES: Final = 262_144
"""One response has no more, unless one stanza does; what is behind it leaves with the next."""
FRAMING: Final = BOSHFraming()
_ERROR: Final = re.compile(rb"<stream:error[^>]*><([a-z-]+)")
_CONDITIONS: Final = frozenset({"host-unknown", "host-gone", "improper-addressing", "system-shutdown"})
"""Errors of streams that are the same as errors of BOSH; any other is told as remote-stream-error (17.2)."""


class Token(Protocol):
    """Who waits for a response."""

    def answer(self, body: bytes) -> None:
        """Give it *body*; harmless the second time, or when nobody waits any more."""


class Endpoint(Protocol):
    """What knows all sessions."""

    def written(self, session: "BOSHSession") -> None:
        """Something was written: `BOSHSession.flush` is to be called when this turn is over."""

    def ended(self, session: "BOSHSession") -> None:
        """Nothing more comes; told once."""


class BOSHSession(Paced):
    """One session."""

    __slots__ = (
        "__weakref__",
        "_condition",
        "_creation",
        "_endpoint",
        "_final",
        "_is_gone",
        "_is_handling",
        "_is_paused",
        "_is_written",
        "_out",
        "_pool",
        "_ready",
        "_rings_at",
        "_timer",
        "_timers",
        "_was_silent",
        "_window",
        "is_heard",
        "is_secure",
        "peer",
        "round",
        "sid",
        "stream",
        "unsent_bytes",
    )
    can_start_tls = False
    stream: ClientStream

    def __init__(
        self,
        window: Window[Token],
        creation: dict[str, str],
        peer: str,
        is_secure: bool,
        pool: ParserPool,
        timers: Timers,
        endpoint: Endpoint,
    ) -> None:
        """*creation* are attributes of the first response."""
        super().__init__()
        self.sid = creation["sid"]
        self.peer = peer
        self.is_secure = is_secure
        self.is_heard = True
        self.round = 0
        self._window = window
        self._creation: dict[str, str] | None = creation
        self._pool = pool
        self._timers = timers
        self._endpoint = endpoint
        self._out: list[bytes] = []
        self._ready: list[Request[Token]] = []
        self._is_handling = self._is_paused = self._is_gone = self._was_silent = False
        self._final: bytes | None = None
        self._condition: str | None = None
        self._timer: Timer | None = None
        self._rings_at = 0.0
        self._is_written = False
        self.unsent_bytes = 0

    @property
    def session(self) -> Session:
        """The session of the stream; a resumption puts another in its place."""
        return self.stream.session

    @property
    def inactivity_s(self) -> int:
        """How long the client may be away."""
        return self._window.terms.inactivity_s

    def begin(self, server: StreamServices[ClientStream], body: Body) -> None:
        """Begin the stream that *body* asks for."""
        session = Session(self, FRAMING, server.registry, peer=self.peer, now=server.now())
        session.is_secure = self.is_secure
        self.stream = ClientStream(session, self, server)
        self._is_handling = True
        self.stream.receive(_header(body, body.attrs.get("to", "")))
        self._is_handling = False
        if self._creation is not None:
            self._creation["authid"] = session.stream_id
        self._settle()

    def came(self, request: Request[Token]) -> None:
        """A request is there; its token fires with the body that it gets."""
        if self._final is not None:
            request.token.answer(self._final)
            self._gone()
            return
        try:
            ready, responses = self._window.receive(request)
        except (WindowError, NoBody) as error:
            self._condition = error.condition if isinstance(error, WindowError) else "bad-request"
            self._out.clear()
            self.drop()
            request.token.answer(self._final or b"")
            return
        _give(responses)
        self._ready += ready
        self.go_on()

    def keep_alive(self) -> None:
        """A request is answered in time anyway."""

    # -- what the session writes to -----------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send *data*, one element, with the next response."""
        if self._final is not None:
            return
        if data == END_OF_BOSH:
            self.drop()
            return
        error = _ERROR.match(data)
        if error is not None:
            condition = error[1].decode()
            self._condition = condition if condition in _CONDITIONS else "remote-stream-error"
        data = qualified(data)
        self._out.append(data)
        self.unsent_bytes += len(data)
        if not self._is_handling and not self._is_written:
            self._is_written = True
            self._endpoint.written(self)

    def flush(self) -> None:
        """Answer with what was written in the turn that is over."""
        self._is_written = False
        self._settle()

    def past(self) -> Past | None:
        """Give what a client that has not heard of the end is to be told; None for one that was away until then."""
        final = self._final
        if final is None or self._was_silent:
            return None
        body = final if len(final) <= PAST_BYTES else self._terminal(b"")
        return self._window.past(body, is_known=self._condition is None)

    def loseConnection(self) -> None:
        """End the session."""
        self.drop()

    # -- the Link of the stream ---------------------------------------------------------------------------------------

    def start_tls(self, host: str) -> None:
        """XEP-0206 3: TLS comes before HTTP."""
        raise StreamError("unsupported-feature")

    def restart(self) -> None:
        """The client asks for it in a body of its own."""

    take_limits = authenticated = restart

    def bound(self, jid: str) -> None:
        """Whose stanzas they are is for the router to write."""

    def pauseProducing(self) -> None:
        """Take no more bodies: what is paused here is the session itself."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """Go on with them."""
        self._is_paused = False
        self.go_on()

    @property
    def transport(self) -> Reads:  # type: ignore[override]  # an attribute would be a circle
        """Whose reading is paused: that of the session, since its requests come by any connection."""
        return self

    def go_on(self) -> None:
        """Handle the bodies whose turn it is, and answer."""
        if self._is_handling:
            return
        self._is_handling = True
        while self._ready and not self.stream.is_waiting and not self._is_paused and self._final is None:
            request = self._ready.pop(0)
            self._allowance -= len(request.body.rest)
            if self._allowance < 0:
                self._spend()
            self._handle(request)
            request.body = HANDLED
        self._is_handling = False
        self._settle()

    def drop(self) -> None:
        """The session is over: all requests that wait hear so, or the next one that comes."""
        if self._final is not None:
            return
        self._final = self._terminal(b"" if self._condition in _CONDITIONS else b"".join(self._out))
        self._out.clear()
        is_told = self._window.is_held
        _give(self._window.end(self._final))
        self._rings_at = inf  # whatever was due, this is now
        self._set_timer(self._now() if is_told else self._window.due_at())

    def abort(self) -> None:
        """End at once."""
        self.drop()
        self._gone()

    def channel_bindings(self) -> Mapping[str, bytes]:
        """A session has no channel of its own."""
        return {}

    def client_jids(self, host: str) -> Sequence[str]:
        """Nobody is asked for a certificate."""
        return ()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _terminal(self, payload: bytes) -> bytes:
        attrs = {"type": "terminate"}
        if self._condition is not None:
            attrs["condition"] = self._condition
        return write_body(attrs, payload)

    def _now(self) -> float:
        return self._timers.seconds()

    def _handle(self, request: Request[Token]) -> None:
        body = request.body
        if body.is_true("restart"):
            self._restart(body)
            return
        for event in body.events(self.stream.element_limits, self.session.lang, self._pool):
            self.stream.receive(event)
        if body.attrs.get("type") == "terminate":
            self.stream.receive(StreamClosed())
            return
        pause_s = body.number("pause")
        if pause_s is not None and pause_s <= self._window.terms.maxpause_s:
            _give(self._window.paused(pause_s, self._now()))
        elif pause_s is not None:
            self.stream.fail(StreamError("policy-violation", "too long a pause"))

    def _restart(self, body: Body) -> None:
        """XEP-0206 5: a new stream; what stands in the body beside is ignored."""
        session = self.session
        if not session.notopen:
            self.stream.fail(StreamError("bad-format", "no restart is due"))
        else:
            self.stream.receive(_header(body, body.attrs.get("to") or session.host or ""))

    def _settle(self) -> None:
        """Answer what is to be answered, and wait for what is due next."""
        if self._final is not None:
            return
        now, window = self._now(), self._window
        if self._out and self.unsent_bytes > self.stream.server.limits().send_buffer_bytes:
            self.abort()
            return
        while window.is_held and (self._out or window.wants_answer(now)):
            payload = self._payload()
            creation, self._creation = self._creation, None
            _give(window.respond(payload, now, creation))
        self._set_timer(window.due_at())

    def _payload(self) -> bytes:
        """Give what leaves with the next response: not so much that keeping it for a repetition would be dear."""
        out, count, size = self._out, 0, 0
        while count < len(out) and (not count or size + len(out[count]) <= RESPONSE_BYTES):
            size += len(out[count])
            count += 1
        payload = b"".join(out[:count])
        del out[:count]
        self.unsent_bytes -= size
        return payload

    def _set_timer(self, due: float) -> None:
        """Ring at *due*, or before: what is put off with every request is looked at again when the bell rings."""
        if self._timer is not None and due >= self._rings_at:
            return
        self._rings_at, seconds = due, max(0.0, due - self._now())
        if self._timer is None:
            self._timer = self._timers.add(seconds, self._rings)
        else:
            self._timers.reschedule(self._timer, seconds)

    def _rings(self, now: float, timer: Timer, param: None) -> None:
        self._timer = None
        if self._final is not None or self._window.is_over(self._now()):
            self._gone()
        else:
            self._settle()

    def _gone(self) -> None:
        """Nothing more comes: as when a connection is lost."""
        self._holds |= Hold.OVER
        if self._final is None:
            self._was_silent = True
            self._final = write_body({"type": "terminate"})
            _give(self._window.end(self._final))
        self._timers.stop(self._timer)
        self._timer = None
        if not self._is_gone:
            self._is_gone = True
            self.stream.connection_lost()
            self._endpoint.ended(self)


def _header(body: Body, to: str) -> StreamOpened:
    version = body.attrs.get("{urn:xmpp:xbosh}version", "1.0")
    attrs = {"to": to, "version": version}
    for name in ("from", "xml:lang"):
        if name in body.attrs:
            attrs[name] = body.attrs[name]
    return StreamOpened(attrs, ns.CLIENT, ns.STREAMS, "stream")


def _give(responses: Responses[Token]) -> None:
    for token, body in responses:
        token.answer(body)
