"""A client's stream from its header to its end (RFC 6120 4), whatever carries it.

What TCP, WebSocket and BOSH have in common: the header checks, the features of each state, one stanza at a time, the
closing handshake and the deadlines. No bytes and no sockets: events come in by `ClientStream.receive`, the carrier is
reached through its `Link`.
"""

from collections import deque
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.config.limits import Limits
from xmppd.core import events
from xmppd.core.commits import Commit
from xmppd.core.host import Host
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.timers import Timer
from xmppd.net.streams.header import host_of, peer_of
from xmppd.net.streams.link import GONE, Link
from xmppd.net.streams.services import StreamServices
from xmppd.net.streams.unbound import unbound_stanza
from xmppd.net.streams.uncommitted import Uncommitted
from xmppd.services.login.binding import Binding
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.stream.events import StreamClosed, StreamOpened
from xmppd.stream.features import StreamState, handler_of, offered

QUEUE_BEFORE_PAUSE = 64
"""Stanzas that may wait behind one that is being handled before the client's connection is no longer read."""
ABORT_AFTER_S = 10.0
"""How long a peer that does not read may keep us from ending its connection."""


class ClientStream:
    """One client's stream; owns its order, its negotiation and its end."""

    __slots__ = (
        "_deadline",
        "_done",
        "_in_hand",
        "_is_draining",
        "_is_lost",
        "_is_paused",
        "_is_released",
        "_queue",
        "_uncommitted",
        "_waiting",
        "announcement",
        "auth_failures",
        "claimed",
        "exchange",
        "host",
        "is_bound",
        "link",
        "server",
        "session",
        "state",
    )
    _log = Logger()

    def __init__(self, session: Session, link: Link, server: StreamServices):
        """Start the deadline for authentication (RFC 6120 gives none; the limit unauthenticated_timeout_s does)."""
        self.session = session
        self.link: Link = link
        self.server = server
        self.state = StreamState.SECURE if session.is_secure else StreamState.NONE
        self.is_bound = False
        """The same as in `state`, without the cost of a flag on the way of every stanza."""
        self.host: Host | None = None
        self.claimed: JID | None = None
        """Who the client says it is, by the header of its stream; not to be trusted."""
        self.announcement: Any = None
        """How the client was told that it can authenticate."""
        self.exchange: Any = None
        self.auth_failures = 0
        self._queue: deque[Any] | None = None
        self._waiting = False
        """Whether the next event must wait: for the one in hand, for commits, or for ever."""
        self._in_hand = False
        self._is_draining = False
        self._is_lost = False
        self._is_paused = False
        self._is_released = False
        self._uncommitted = Uncommitted(server.router.storage, server.limits)
        self._done: Deferred[None] | None = None
        self._deadline: Timer | None = None
        session.stream = self
        session.stream_id = server.new_stream_id()
        self.set_deadline(server.limits().unauthenticated_timeout_s)

    @property
    def router(self) -> Router:
        """The server's router."""
        return self.server.router

    @property
    def limits(self) -> Limits:
        """What holds for this stream: its host's limits, the server's until that is known."""
        return self.server.limits() if self.host is None else self.host.settings.limits

    @property
    def binding(self) -> Binding:
        """What binds resources."""
        return self.server.binding

    # -- what the carrier tells ---------------------------------------------------------------------------------------

    def receive(self, event: Any) -> None:
        """Take the next event of the stream: handled now, or after those before it."""
        if self._waiting:
            if self._is_released:
                return
            if self._queue is None:
                self._queue = deque()
            self._queue.append(event)
            if len(self._queue) >= QUEUE_BEFORE_PAUSE:
                self._pause()
            return
        self._process(event)

    def _pause(self) -> None:
        if not self._is_paused:
            self._is_paused = True
            self.link.pause()

    @property
    def is_waiting(self) -> bool:
        """Whether an event is still being handled, so that the next must wait."""
        return self._waiting

    def connection_lost(self) -> None:
        """The connection is gone: keep the session where a module wants it, else destroy it.

        What was received before is still dealt with, unless the session is kept: then its client sends again what was
        not acknowledged (XEP-0198).
        """
        self.set_deadline(None)
        session, host = self.session, self.host
        self.link = GONE
        if session.stream is not self:
            self._queue = None
            return
        session.conn = None
        if session.host is not None and not session.is_ended:
            self._log_end("connection lost")
        is_kept = session.is_connected and not session.is_ended and host is not None
        if is_kept and host is not None and host.hooks.ask(events.SESSION_DETACHED, session):
            session.stream = None
            self._queue = None
        elif self._queue:
            self._is_lost = True
        else:
            self._lost()

    # -- a session goes on in another stream (XEP-0198 5) -------------------------------------------------------------

    def release(self, error: StreamError) -> None:
        """Another stream goes on with the session: end this one with *error*; what is in hand is still dealt with."""
        session, conn = self.session, self.session.conn
        session.conn = session.stream = self._queue = None
        self._is_released = self._waiting = True
        if conn is not None:
            conn.write(session.framing.error(error))
            conn.write(session.framing.closing())
        self.set_deadline(ABORT_AFTER_S)
        self.link.drop()

    def dealt_with(self) -> Deferred[None] | None:
        """Give what fires when the stanza in hand is dealt with; None where there is none."""
        if not self._in_hand:
            return None
        if self._done is None:
            self._done = Deferred()
        return self._done

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

    def _lost(self) -> None:
        self.session.stream = None
        if not self.session.is_ended:
            self.server.registry.destroy(self.session)

    # -- what the session and the features tell -----------------------------------------------------------------------

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
        self._log.info("Stream ended: {reason}", reason=reason, stream=session.stream_id, peer=session.peer)

    def send_features(self) -> None:
        """Offer what this state has to offer (RFC 6120 4.3.2)."""
        host_features = self.host.stream_features if self.host is not None else ()
        elements = offered((*self.server.features, *host_features), self.state, self)
        content = b"".join(element.to_bytes(ns.CLIENT) for element in elements)
        self.session.send(self.session.framing.features(content))

    def authenticated(self, username: str) -> None:
        """The client has shown who it is."""
        session = self.session
        session.type = "c2s"
        session.username = username
        self.state |= StreamState.AUTHENTICATED
        self.exchange = self.announcement = None
        self.link.authenticated()
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
        self.state |= StreamState.BOUND
        self.is_bound = True
        self.set_deadline(None)
        self._log.info(
            "Bound as {jid}", stream=self.session.stream_id, peer=self.session.peer, jid=self.session.full_jid
        )

    def set_deadline(self, seconds: float | None) -> None:
        """Give the stream so long for what comes next; None takes the deadline away."""
        if self._deadline is not None:
            self.server.timers.stop(self._deadline)
        self._deadline = None if seconds is None else self.server.timers.add(seconds, self._too_late)

    def _too_late(self, now: float, timer: Timer, param: None) -> None:
        self._deadline = None
        if self.session.is_ended or self._is_released:
            self.link.abort()
            return
        self.fail(StreamError("connection-timeout", "Authentication took too long"))

    # -- one event at a time ------------------------------------------------------------------------------------------

    def _process(self, event: Any) -> None:
        try:
            answer = self._handle(event)
        except Exception:  # noqa: BLE001 - the net of the session queue
            self._failed(Failure(), event)
            answer = None
        if answer is not None and type(answer) is not Commit:
            self._waiting = self._in_hand = True
            answer.addErrback(self._failed, event).addCallback(self._handled, event)
        elif type(event) is Stanza:
            self._dealt_with(answer)

    def _handled(self, commit: Any, event: Any) -> None:
        self._in_hand = False
        self._waiting = self._is_released
        if type(event) is Stanza:
            self._dealt_with(commit)
        done, self._done = self._done, None
        if done is not None:
            done.callback(None)
        self._drain()

    def _drain(self) -> None:
        if self._is_draining:
            return
        self._is_draining = True
        while self._queue and not self._waiting:
            self._process(self._queue.popleft())
        self._is_draining = False
        if self._waiting:
            return
        if self._is_lost:
            self._lost()
            return
        if self._is_paused:
            self._is_paused = False
            self.link.resume()
        self.link.go_on()

    def _dealt_with(self, commit: Commit | None) -> None:
        """A stanza has been routed: tell who counts it, and take no more where too much is not committed yet."""
        ledger = self.session.ledger
        if ledger is not None:
            ledger.handled(commit is not None)
        if commit is not None and self._uncommitted.add(commit, ledger, self._roomy):
            self._waiting = True
            self._pause()

    def _roomy(self) -> None:
        """Enough is committed."""
        self._waiting = self._is_released
        self._drain()

    def _handle(self, event: Any) -> Commit | Deferred[Any] | None:
        kind = type(event)
        if self.session.is_ended:
            if kind is StreamClosed:
                self.link.drop()
            return None
        if kind is Stanza:
            if self.is_bound:
                return self.server.router.from_client(self.session, event)
            return unbound_stanza(self, event)
        if kind is Element:
            return self._element(event)
        if kind is StreamOpened:
            self._opened(event)
        elif kind is StreamClosed:
            self.session.close(False)
        else:
            self.fail(event)  # not raised: a traceback would keep this connection alive
        return None

    def _failed(self, failure: Failure, event: Any) -> None:
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
        self._log.debug("Stream opened", stream=session.stream_id, peer=session.peer, host=session.host)
        peer = None if self.claimed is None else self.claimed.full
        opening = session.framing.opening(session.stream_id, host.name, peer, session.lang)
        session.notopen = False
        session.send(opening)
        self.host = host
        self.send_features()

    def _element(self, element: Element) -> Deferred[Any] | None:
        host, state = self.host, self.state
        handler = handler_of(self.server.features, state, element.ns, element.name)
        if handler is None and host is not None:
            handler = handler_of(host.stream_features, state, element.ns, element.name)
        if handler is not None:
            answer = handler(self, element)
            return answer if isinstance(answer, Deferred) else None
        if not state & StreamState.AUTHENTICATED:
            raise StreamError("not-authorized")
        raise StreamError("unsupported-stanza-type")
