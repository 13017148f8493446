"""A client's stream from its header to its end (RFC 6120 4), whatever carries it.

What TCP, WebSocket and BOSH have in common: the header checks, the features of each state, the closing handshake. Its
way in, one stanza at a time, is `xmppd.net.streams.inlet`. No bytes and no sockets: events come in by `receive`, the
carrier is reached through its `Link`.
"""

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.config.limits import Limits
from xmppd.core import events
from xmppd.core.host import Host
from xmppd.core.inlet import Acknowledger
from xmppd.core.router import Router
from xmppd.core.session import CloseReason, Session
from xmppd.core.stream import Sendable
from xmppd.net.streams.announcement import Announcement
from xmppd.net.streams.header import host_of, peer_of
from xmppd.net.streams.inlet import LOST, Answer, ByteRate, StreamInlet
from xmppd.net.streams.limits import authenticated_limits, unauthenticated_limits
from xmppd.net.streams.link import GONE, Link
from xmppd.net.streams.login_progress import LoginProgress
from xmppd.net.streams.negotiation import BIND
from xmppd.net.streams.services import StreamServices
from xmppd.net.streams.unbound import unbound_stanza
from xmppd.services.login.binding import Binding
from xmppd.services.login.login import Exchange
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.stream.events import ElementBegun, Event, StreamClosed, StreamOpened
from xmppd.stream.features import (
    AnyFeature,
    ElementHandler,
    StreamKind,
    StreamState,
    handler_of,
    offered,
)
from xmppd.stream.limits import StreamLimits

ABORT_AFTER_S = 10.0
"""How long a peer that does not read may keep us from ending its connection."""


class ClientStream(StreamInlet):
    """One client's stream; owns its order, its negotiation and its end."""

    __slots__ = (
        "announcement",
        "auth_failures",
        "auth_trials",
        "claimed",
        "exchange",
        "host",
        "is_bound",
        "server",
        "session",
    )
    kind = StreamKind.C2S
    _log = Logger()

    def __init__(self, session: Session, link: Link, server: "StreamServices[ClientStream]"):
        """Let *session* begin; TLS may be there already."""
        self.session = session
        self.server = server
        self.is_bound = False
        """The same as in `state`, without the cost of a flag on the way of every stanza."""
        self.host: Host | None = None
        self.claimed: JID | None = None
        """Who the client says it is, by the header of its stream; not to be trusted."""
        self.announcement: Announcement | None = None
        """How the client was told that it can authenticate."""
        self.exchange: Exchange | LoginProgress | None = None
        """The authentication that goes on: of SASL, or of SASL2 with what belongs to it."""
        self.auth_failures = self.auth_trials = 0
        session.stream = self
        session.stream_id = server.new_stream_id()
        state = StreamState.SECURE if session.is_secure else StreamState.NONE
        super().__init__(link, server.timers, server.router.storage, server.limits, state)

    @property
    def router(self) -> Router:
        """The server's router."""
        return self.server.router

    @property
    def limits(self) -> Limits:
        """What holds for this stream: its host's limits, the server's until that is known."""
        return self.server.limits() if self.host is None else self.host.settings.limits

    @property
    def token_bytes(self) -> int:
        """How long a token may be that the client shows; 0 where it shows none."""
        return 0 if self.host is None else self.host.settings.token_bytes

    @property
    def element_limits(self) -> StreamLimits:
        """What the next first-level element may be; a token may be longer than anything else before authentication."""
        if self.state & StreamState.AUTHENTICATED:
            return authenticated_limits(self.limits)
        return unauthenticated_limits(self.limits, self.token_bytes)

    @property
    def byte_rate(self) -> ByteRate:
        """Give how much the client may send."""
        limits = self.limits
        return ByteRate(limits.bytes_per_second, limits.burst_bytes)

    @property
    def binding(self) -> Binding:
        """What binds resources."""
        return self.server.binding

    @property
    def can_start_tls(self) -> bool:
        """Whether STARTTLS is possible and has not happened."""
        return self.host is not None and self.link.can_start_tls

    @property
    def is_tls_required(self) -> bool:
        """Whether this stream must be under TLS before anyone may authenticate."""
        return self.host is None or self.host.settings.c2s.require_tls

    # -- what the carrier tells ---------------------------------------------------------------------------------------

    def connection_lost(self, why: str = LOST) -> None:
        """The connection is gone: keep the session where a module wants it, else destroy it.

        What was received before is still dealt with, unless the session is kept: then its client sends again what was
        not acknowledged (XEP-0198).
        """
        self.set_deadline(None)
        session, host = self.session, self.host
        self.link = GONE
        if session.stream is not self:
            self.forget_queue()
            return
        session.conn = None
        if not session.is_ended and (session.host is not None or why != LOST):
            self._log_end(why)  # not of who looks whether there is somebody
        is_kept = session.is_connected and not session.is_ended and host is not None
        if is_kept and host is not None and host.hooks.ask(events.SESSION_DETACHED, session):
            session.stream = None
            self.forget_queue()
        else:
            self.drain_and_end()

    # -- a session goes on in another stream (XEP-0198 5) -------------------------------------------------------------

    def release(self, error: StreamError) -> None:
        """Another stream goes on with the session: end this one with *error*; what is in hand is still dealt with."""
        session, conn = self.session, self.session.conn
        session.conn = session.stream = None
        self.take_no_more()
        if conn is not None:
            conn.write(session.framing.error(error))
            conn.write(session.framing.closing())
        self.set_deadline(ABORT_AFTER_S)
        self.link.drop()

    def adopt(self, session: Session) -> None:
        """Go on with *session*, an earlier one of the same account; the one so far rests.

        What belongs to the connection is the new one's: the connection itself, its framing, address, language and id.
        """
        provisional, self.session = self.session, session
        session.conn, session.framing, session.peer = provisional.conn, provisional.framing, provisional.peer
        session.stream_id, session.lang = provisional.stream_id, provisional.lang
        session.is_secure, session.bytes_filters = provisional.is_secure, provisional.bytes_filters
        session.stream, provisional.stream = self, None
        provisional.reset()
        self.bound()

    def emptied(self) -> None:
        """All is dealt with that came before the connection was lost: so is the session."""
        self.session.stream = None
        if not self.session.is_ended:
            self.server.registry.destroy(self.session)

    # -- what the session and the features tell -----------------------------------------------------------------------

    def send(self, x: Sendable) -> bool:
        """Write *x* to the client."""
        return self.session.send(x)

    def close(self, x: CloseReason = None) -> None:
        """End the stream, as `Session.close` does."""
        self.session.close(x)

    def ending(self, is_peer_awaited: bool, reason: str) -> None:
        """The end tag is written: drop the connection, after the peer's own end tag or a timeout if it is awaited."""
        self._log_end(reason)
        limit = self.server.limits().close_timeout_s
        self.set_deadline(limit if is_peer_awaited else ABORT_AFTER_S)
        if not is_peer_awaited:
            self.link.drop()

    def fail(self, error: StreamError) -> None:
        """End the stream with *error* (RFC 6120 4.9)."""
        if not self._is_released:
            self.session.close(error)

    def _log_end(self, reason: str) -> None:
        session = self.session
        if self.server.hears("info"):
            self._log.info(
                "Stream ended: {reason}", reason=reason, stream=session.stream_id, peer=session.peer
            )

    def send_features(self) -> None:
        """Offer what this state has to offer (RFC 6120 4.3.2)."""
        host_features = self.host.stream_features if self.host is not None else ()
        elements = offered((*self.server.features, *host_features), self.kind, self.state, self)
        content = b"".join(element.to_bytes(ns.CLIENT) for element in elements)
        self.session.send(self.session.framing.features(content))

    def start_tls(self) -> None:
        """Begin TLS; what has been negotiated without it is void."""
        assert self.host is not None, "no TLS comes before a header"
        self.link.start_tls(self.host.name)
        self.session.is_secure = True
        self.exchange = None

    def authenticated(self, username: str, feature: AnyFeature) -> None:
        """The client has shown who it is, by *feature*."""
        session = self.session
        session.type = "c2s"
        session.username = username
        self.negotiated(feature)
        self.exchange = self.announcement = None
        self.link.authenticated()
        if self.server.hears("info"):
            self._log.info(
                "Authenticated as {user}@{host}",
                stream=session.stream_id,
                peer=session.peer,
                user=username,
                host=session.host,
            )
        if self.host is not None:
            self.host.hooks.notify(events.SESSION_OPENED, session)

    def restart(self) -> None:
        """Expect a new header after TLS or SASL (RFC 6120 4.3.3)."""
        self.session.notopen = True
        self.session.stream_id = self.server.new_stream_id()
        self.announcement = None
        self.link.restart()

    def bound(self) -> None:
        """The session is a connected resource now: stanzas are routed."""
        session = self.session
        self.negotiated(BIND)
        self.is_bound = True
        if session.full_jid is not None:
            self.link.bound(session.full_jid)
        self.set_deadline(None)
        if self.server.hears("info"):
            self._log.info(
                "Bound as {jid}", stream=session.stream_id, peer=session.peer, jid=session.full_jid
            )

    def too_late(self) -> None:
        """Whoever has not authenticated in time is sent away; so is who does not let the connection end."""
        if self.session.is_ended or self._is_released:
            self.link.abort()
            return
        self.fail(StreamError("connection-timeout", "Authentication took too long"))

    # -- one event ----------------------------------------------------------------------------------------------------

    def acknowledger(self) -> Acknowledger | None:
        """Give who counts the session's stanzas."""
        return self.session.ledger

    def handle(self, event: Event) -> Answer:
        """A stanza is routed, an element is one of the negotiation's or of a feature, a header begins, an end ends."""
        if self.session.is_ended:
            if type(event) is StreamClosed:
                self.link.drop()
        elif type(event) is Stanza:
            if self.is_bound:
                return self.server.router.from_client(self.session, event)
            return unbound_stanza(self, event)
        elif type(event) is Element:
            return self._element(event)
        elif type(event) is ElementBegun:
            self._handler(event.ns, event.name)
        elif type(event) is StreamOpened:
            self._opened(event)
        elif type(event) is StreamClosed:
            self.session.close(False)
        else:
            assert isinstance(event, StreamError)
            self.fail(event)  # not raised: a traceback would keep this connection alive
        return None

    def failed(self, failure: Failure, event: Event) -> None:
        """A `StreamError` ends the stream; anything else is a bug, which the sender hears of."""
        error = failure.value
        if isinstance(error, StreamError):
            self.fail(error)
            return
        self._log.failure(
            "What a client sent could not be handled",
            failure,
            stream=self.session.stream_id,
            peer=self.session.peer,
        )
        if type(event) is Stanza:
            self.server.router.refuse(event, StanzaError("internal-server-error"), self.session)
        else:
            self.fail(StreamError("internal-server-error"))

    # -- negotiation --------------------------------------------------------------------------------------------------

    def _opened(self, header: StreamOpened) -> None:
        session = self.session
        session.lang = header.attrs.get("xml:lang")
        host = host_of(header, self.server.hosts)
        if self.host is not None and host is not self.host:
            raise StreamError("not-authorized", "The host of a stream cannot change")
        session.host = host.name
        self.claimed = peer_of(header)
        if self.claimed is not None and self.claimed.domainpart != host.name:
            raise StreamError("invalid-from")
        if self.host is None and self.server.hears("debug"):  # of a restart other lines tell
            self._log.debug("Stream opened", stream=session.stream_id, peer=session.peer, host=session.host)
        peer = None if self.claimed is None else self.claimed.full
        opening = session.framing.opening(session.stream_id, host.name, peer, session.lang)
        session.notopen = False
        session.send(opening)
        self.host = host
        if self.token_bytes:
            self.link.take_limits()
        self.send_features()

    def _element(self, element: Element) -> Deferred[None] | None:
        answer = self._handler(element.ns, element.name)(self, element)
        return answer if isinstance(answer, Deferred) else None

    def _handler(self, namespace: str, name: str) -> ElementHandler["ClientStream"]:
        """Give who handles such an element now. Raises `StreamError`, for which the name is enough (4.9.3.24)."""
        host, kind, state = self.host, self.kind, self.state
        handler = handler_of(self.server.features, kind, state, namespace, name)
        if handler is None and host is not None:
            handler = handler_of(host.stream_features, kind, state, namespace, name)
        if handler is not None:
            return handler
        if not state & StreamState.AUTHENTICATED:
            raise StreamError("not-authorized")
        raise StreamError("unsupported-stanza-type")
