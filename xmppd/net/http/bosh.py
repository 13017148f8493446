"""What answers at ``/http-bind``: sessions over BOSH begin here, and requests find theirs (XEP-0124, XEP-0206)."""

from collections import deque
from collections.abc import Callable
from typing import Final, cast

from twisted.internet.defer import Deferred

from xmppd.config.http import Http
from xmppd.core.http import HttpAnswer, HttpError, HttpRequest, HttpResponse
from xmppd.core.timers import BUDGET_S, Timer, Timers
from xmppd.net.http.bosh_session import BOSHSession, Token
from xmppd.net.http.origins import check_origin
from xmppd.net.http.pages import page
from xmppd.net.http.request import Request
from xmppd.net.http.stream_parts import WebStreams
from xmppd.stream.bosh.body import NS_XBOSH, Body, NoBody, read_body, write_body
from xmppd.stream.bosh.window import Request as WindowRequest
from xmppd.stream.bosh.window import Terms, Window

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
        self.sessions: dict[str, BOSHSession] = {}
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
        return asked.read(limit).addCallback(self._came, asked)

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

    def _came(self, data: bytes, request: Request) -> HttpAnswer:
        content = _CONTENT
        try:
            body = read_body(data)
            rid = body.number("rid")
            if rid is None:
                raise NoBody("rid")
            asked = WindowRequest(rid, Deferred[bytes](), body, self._timers.seconds())
            if "sid" not in body.attrs:
                content = body.attrs.get("content", _CONTENT).lower()
                self._create(asked, request)
            else:
                self._find(body.attrs["sid"], request).came(asked)
        except NoBody:
            return self._response(write_body({"type": "terminate", "condition": "bad-request"}), request)
        except _Unknown:
            return self._response(write_body({"type": "terminate", "condition": "item-not-found"}), request)
        chosen = content if content in _CONTENTS else _CONTENT
        return asked.token.addCallback(self._response, request, chosen)

    def _find(self, sid: str, request: Request) -> BOSHSession:
        session = self.sessions.get(sid)
        if session is None:
            raise _Unknown
        if session.is_secure and not request.is_secure:  # XEP-0124 19.1: without harm to the session
            raise HttpError(403)
        return session

    def _create(self, first: WindowRequest[Token], request: Request) -> None:
        streams, body = self._streams, first.body
        if not streams.admits(request.client):
            raise HttpError(429)
        terms = self._terms(body)
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
            self._written,
            self._ended,
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
        return Terms(
            wait_s,
            hold,
            HOLD + 1,
            inactivity_s,
            options.bosh_polling_s,
            options.bosh_maxpause_s,
            body.attrs.get("ack") == "1",
        )

    def _written(self, session: BOSHSession) -> None:
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

    def _ended(self, session: BOSHSession) -> None:
        self.sessions.pop(session.sid, None)
        self._streams.bosh.lost(session)

    def _response(self, body: bytes, request: Request, content: str = _CONTENT) -> HttpResponse:
        if content is _CONTENT and "origin" not in request.headers:
            return HttpResponse(200, _USUAL, body)
        headers = {"Content-Type": content, "Cache-Control": "no-store", **_cors(request)}
        return HttpResponse(200, headers, body)


class _Unknown(Exception):
    """There is no such session."""


_ROOM: Final = 16_384
"""For the body around a stanza, and a few small ones beside it."""


def _cors(request: Request) -> dict[str, str]:
    """For a page of another site that `check_origin` has let in."""
    origin = request.headers.get("origin")
    return {} if origin is None else {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


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
