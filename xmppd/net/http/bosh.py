"""What answers at ``/http-bind``: sessions over BOSH begin here, and requests find theirs (XEP-0124, XEP-0206)."""

from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple, cast

from twisted.internet.defer import Deferred

from xmppd.config.http import Http
from xmppd.core.bounded import Bounded
from xmppd.core.http import HttpAnswer, HttpError, HttpRequest, HttpResponse
from xmppd.core.timers import BUDGET_S, Timer, Timers
from xmppd.net.http.bosh_session import BOSHSession, Token
from xmppd.net.http.later import LATER
from xmppd.net.http.origins import check_origin
from xmppd.net.http.pages import page
from xmppd.net.http.request import Request
from xmppd.net.http.stream_parts import WebStreams
from xmppd.stream.bosh.body import NS_XBOSH, Body, NoBody, read_body, write_body
from xmppd.stream.bosh.window import Past, Terms, Window
from xmppd.stream.bosh.window import Request as WindowRequest

TERMS_KEPT: Final = 64
"""Different agreements that are kept for sessions to share."""
ENDED: Final = 500
"""Sessions of which is known that they have ended: a few kB each at most."""
HOLD: Final = 1
"""Requests of one session that wait at most, whatever a client wants."""
VERSION: Final = (1, 11)
_CONTENT: Final = "text/xml; charset=utf-8"
_USUAL: Final = {"Content-Type": _CONTENT, "Cache-Control": "no-store"}
_CONTENTS: Final = frozenset(
    {_CONTENT, "text/xml", "application/xml", "text/plain", "text/plain; charset=utf-8"}
)
"""What a client may want as type of the responses: nothing that a browser shows as a page."""


class BOSHEndpoint:
    """The sessions that there are."""

    def __init__(self, streams: WebStreams, timers: Timers, options: Callable[[], Http]) -> None:
        self._streams = streams
        self._timers = timers
        self._options = options
        self._known_terms = lru_cache(TERMS_KEPT)(Terms)
        self.sessions: dict[str, BOSHSession] = {}
        self._ended: Bounded[str, _Ended] = Bounded(ENDED)
        self._waiting: deque[BOSHSession] = deque()
        """Those that were written to in this turn."""
        self._is_turn_due = False

    def post(self, request: HttpRequest) -> HttpAnswer:
        """Answer a request of a client."""
        asked = cast("Request", request)  # what comes here has been made by this room
        asked.is_frequent = True
        check_origin(asked, self._options())
        limit = self._streams.server.limits().stanza_bytes + _ROOM
        data = asked.whole(limit)
        if data is not None:
            return self._came(data, asked)
        return asked.read(limit).addCallback(self._came_late, asked)

    def options(self, request: HttpRequest) -> HttpResponse:
        """Tell a browser whether pages of another site may connect."""
        asked = cast("Request", request)
        check_origin(asked, self._options())
        headers = _cors(asked)
        if headers:
            headers |= {
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": "Content-Type",
                "Access-Control-Max-Age": "86400",
            }
        return HttpResponse(204, {"Allow": "GET, HEAD, OPTIONS, POST", **headers})

    def get(self, request: HttpRequest) -> HttpResponse:
        """Tell a person what this is."""
        return page("XMPP over HTTP", "<p>Web clients of XMPP connect here (BOSH).</p>")

    def _came_late(self, data: bytes, request: Request) -> HttpAnswer:
        later: Deferred[HttpResponse] = Deferred()
        request.exchange = _Late(later)
        answer = self._came(data, request)
        request.exchange = None
        return later if answer is LATER else answer

    def _came(self, data: bytes, request: Request) -> HttpResponse:
        try:
            body = read_body(data)
            rid, sid = body.number("rid"), body.attrs.get("sid")
            if rid is None:
                raise NoBody("rid")
            if sid is None:
                self._create(rid, body, request)
            elif (session := self.sessions.get(sid)) is None:
                return HttpResponse(200, _headers(request, _CONTENT), self._told_again(sid, rid, request))
            else:
                _check_secure(session.is_secure, request)
                session.came(WindowRequest(rid, _Held(request), body, self._timers.seconds()))
        except NoBody:
            return _terminated("bad-request", request)
        except _Unknown:
            return _terminated("item-not-found", request)
        request.forget_head()
        return LATER

    def _told_again(self, sid: str, rid: int, request: Request) -> bytes:
        """Give what a request of a session gets that has ended not long ago (XEP-0124 14.3)."""
        ended = self._ended.get(sid)
        if ended is None or ended.until <= self._timers.seconds():
            raise _Unknown
        _check_secure(ended.is_secure, request)
        body = ended.past.response_to(rid)
        if body is None:
            raise _Unknown
        return body

    def _create(self, rid: int, body: Body, request: Request) -> None:
        streams = self._streams
        if not streams.admits(request.client):
            raise HttpError(429)
        terms = self._terms(body)
        content = body.attrs.get("content", _CONTENT).lower()
        token: Token = _Held(request, content if content in _CONTENTS else _CONTENT)
        first = WindowRequest(rid, token, body, self._timers.seconds())
        sid = streams.server.new_stream_id()
        window = Window(terms, first)
        creation = _creation(sid, terms, body)
        session = BOSHSession(
            window,
            creation,
            request.client,
            request.is_secure,
            streams.parsers,
            self._timers,
            self,
        )
        self.sessions[sid] = session
        streams.bosh.opened(session)
        session.begin(streams.server, body)

    def _terms(self, body: Body) -> Terms:
        options = self._options()
        wait_s, hold = body.number("wait"), body.number("hold")
        wait_s = options.bosh_wait_s if wait_s is None else min(wait_s, options.bosh_wait_s)
        hold = HOLD if hold is None else min(hold, HOLD)
        is_polling = hold == 0 or wait_s == 0
        inactivity_s = options.bosh_inactivity_s + (options.bosh_polling_s if is_polling else 0)
        return self._known_terms(
            wait_s,
            hold,
            HOLD + 1,
            inactivity_s,
            options.bosh_polling_s,
            options.bosh_maxpause_s,
            body.attrs.get("ack") == "1",
        )

    def written(self, session: BOSHSession) -> None:
        """Have it answer in the next turn."""
        self._waiting.append(session)
        if not self._is_turn_due:
            self._is_turn_due = True
            self._timers.add(0, self._flush)

    def _flush(self, now: float, timer: Timer, param: None) -> None:
        """Have those answer that were written to, as many as there is time for."""
        waiting, seconds = self._waiting, self._timers.seconds
        try:
            while waiting and seconds() - now < BUDGET_S:
                waiting.popleft().flush()
        finally:  # whatever became of one, the others have their turn
            self._is_turn_due = bool(waiting)
            if waiting:
                self._timers.add(0, self._flush)

    def ended(self, session: BOSHSession) -> None:
        """Know no more of it than what a client is told that has not heard of the end."""
        self.sessions.pop(session.sid, None)
        past = session.past()
        if past is not None:
            until = self._timers.seconds() + session.inactivity_s
            self._ended.keep(session.sid, _Ended(past, session.is_secure, until))
        self._streams.bosh.lost(session)


class _Held:
    """Who waits for a response, and no more of the request than that needs."""

    __slots__ = ("_exchange", "_headers")

    def __init__(self, request: Request, content: str = _CONTENT) -> None:
        self._exchange = request.exchange
        self._headers = _headers(request, content)

    def answer(self, body: bytes) -> None:
        """Write *body*."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.answer(HttpResponse(200, self._headers, body))


class _Late:
    """Who waits for a response, where the body of the request had to be waited for."""

    def __init__(self, later: Deferred[HttpResponse]) -> None:
        self._later = later

    def answer(self, response: HttpResponse) -> None:
        """Give it."""
        self._later.callback(response)


class _Ended(NamedTuple):
    """A session that has ended, for as long as its client might have been away."""

    past: Past
    is_secure: bool
    until: float


def _check_secure(is_secure: bool, request: Request) -> None:
    """XEP-0124 19.1: a session that began under TLS goes on so; without harm to it."""
    if is_secure and not request.is_secure:
        raise HttpError(403)


class _Unknown(Exception):
    """There is no such session."""


_ROOM: Final = 16_384
"""For the body around a stanza, and a few small ones beside it."""


def _terminated(condition: str, request: Request) -> HttpResponse:
    body = write_body({"type": "terminate", "condition": condition})
    return HttpResponse(200, _headers(request, _CONTENT), body)


def _headers(request: Request, content: str) -> dict[str, str]:
    if content is _CONTENT and "origin" not in request.headers:
        return _USUAL
    return {"Content-Type": content, "Cache-Control": "no-store", **_cors(request)}


def _cors(request: Request) -> dict[str, str]:
    """For a page of another site that `check_origin` has let in."""
    origin = request.headers.get("origin")
    if origin is None or not origin.isprintable():
        return {}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _creation(sid: str, terms: Terms, body: Body) -> dict[str, str]:
    """XEP-0124 7.2, XEP-0206 4."""
    attrs = {
        "sid": sid,
        "wait": str(terms.wait_s),
        "requests": str(terms.requests),
        "ver": _version(body.attrs.get("ver", "")),
        "polling": str(terms.polling_s),
        "inactivity": str(terms.inactivity_s),
        "hold": str(terms.hold),
        "from": body.attrs.get("to", ""),
        "xmlns:xmpp": NS_XBOSH,
        "xmpp:version": "1.0",
        "xmpp:restartlogic": "true",
    }
    if terms.maxpause_s:
        attrs["maxpause"] = str(terms.maxpause_s)
    if terms.is_acking:
        attrs["ack"] = body.attrs["rid"]
    return attrs


def _version(text: str) -> str:
    """The lower one of the client's and ours."""
    major, _, minor = text.partition(".")
    theirs = (
        (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() and len(text) < 10 else VERSION
    )
    return ".".join(map(str, min(theirs, VERSION)))
