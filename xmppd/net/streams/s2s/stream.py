"""What streams of servers have in common, whoever began them: RFC 6120 4, and who may say what on them.

`proven` is the whole of that: for each domain of others those of ours towards which the stream has proved to be it.
"""

from typing import Final

from twisted.internet.defer import Deferred

from xmppd.config.limits import Limits
from xmppd.core.commits import Routed
from xmppd.core.inlet import Acknowledger
from xmppd.core.session import Connection
from xmppd.core.stream import Sendable
from xmppd.net.streams.inlet import LOST, Answer, ByteRate
from xmppd.net.streams.limits import unauthenticated_limits
from xmppd.net.streams.link import GONE
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.net.streams.s2s.wire import PeerLink, ServerInlet
from xmppd.net.tls.peers import Shown
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import STREAM_CONDITIONS, StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream.events import ElementBegun, Event, StreamClosed, StreamOpened
from xmppd.stream.features import AnyFeature, StreamKind, StreamState
from xmppd.stream.framing import TCPFraming
from xmppd.stream.limits import StreamLimits

ABORT_AFTER_S: Final = 10.0
"""How long a peer that does not read may keep us from ending its connection."""
PAIRS: Final = 200
"""Pairs of domains that one stream may prove."""
FRAMING: Final = TCPFraming(ns.SERVER)


class ServerStream(ServerInlet):
    """One stream of another server."""

    __slots__ = (
        "authenticated_by",
        "carrier",
        "conn",
        "is_bidi",
        "is_ended",
        "ledger",
        "ours",
        "parts",
        "peer",
        "proven",
        "stream_id",
        "theirs",
    )
    kind = StreamKind.S2S
    is_initiated = False
    """Whether this server has begun it."""

    def __init__(self, link: PeerLink, parts: S2SParts, conn: Connection, peer: str):
        """Let a stream begin on *conn*, to or from the address *peer*; TLS may be there already."""
        self.parts = parts
        self.conn: Connection | None = conn
        self.carrier: PeerLink = link
        """The connection, for what is asked of a peer's certificate."""
        self.peer = peer
        self.ours = self.theirs = ""
        """The domains of the headers; "" while they are not known."""
        self.stream_id = ""
        self.is_ended = False
        self.authenticated_by = ""
        """How the peer, or this server, was authenticated: EXTERNAL, DANE or dialback."""
        self.proven: dict[str, set[str]] = {}
        self.is_bidi = False
        """Whether both sides may send stanzas (XEP-0288)."""
        self.ledger: Acknowledger | None = None
        state = StreamState.SECURE if link.is_secure else StreamState.NONE
        super().__init__(link, parts.timers, parts.router, parts.limits, state)

    # -- to be filled in ----------------------------------------------------------------------------------------------

    def opened(self, header: StreamOpened) -> Deferred[None] | None:
        """The peer's header is there."""
        raise NotImplementedError

    def element(self, element: Element) -> Deferred[None] | None:
        """Deal with what is no stanza."""
        raise NotImplementedError

    def begun(self, element: ElementBegun) -> None:
        """What is no stanza begins; raises `StreamError` where its name is enough to refuse it (4.9.3.24)."""

    def explained(self, reason: str) -> str:
        """Give the reason for the end as operators read it."""
        return reason

    def ended(self, reason: str) -> None:
        """The stream is over, for whatever reason; called once."""

    # -- the way in ---------------------------------------------------------------------------------------------------

    @property
    def limits(self) -> Limits:
        """The server's."""
        return self.parts.limits()

    @property
    def element_limits(self) -> StreamLimits:
        """What the next first-level element may be: little, until the peer has proved something."""
        limits = self.limits
        if not self.state & StreamState.AUTHENTICATED:
            return unauthenticated_limits(limits)
        return StreamLimits(
            limits.s2s_stanza_bytes, limits.stanza_depth, limits.stanza_elements, limits.tag_bytes
        )

    @property
    def byte_rate(self) -> ByteRate:
        """Give how much the peer may send."""
        limits = self.limits
        return ByteRate(limits.s2s_bytes_per_second, limits.s2s_burst_bytes)

    def acknowledger(self) -> Acknowledger | None:
        """Give who counts what comes in."""
        return self.ledger

    def handle(self, event: Event) -> Answer:
        """A stanza is routed, an element is one of the negotiation's, a header begins, an end ends."""
        if self.is_ended:
            if type(event) is StreamClosed:
                self.link.drop()
        elif type(event) is Stanza:
            return self.stanza(event)
        elif type(event) is Element:
            if event.ns == ns.STREAMS and event.name == "error":
                self._peer_failed(event)
                return None
            return self.element(event)
        elif type(event) is ElementBegun:
            self.begun(event)
        elif type(event) is StreamOpened:
            return self.opened(event)
        elif type(event) is StreamClosed:
            self.close(reason="closed by the peer")
        else:
            assert isinstance(event, StreamError)
            self.fail(event)
        return None

    @property
    def who(self) -> dict[str, str]:
        """The peer."""
        return {"peer": self.peer, "domain": self.theirs}

    def stanza(self, stanza: Stanza) -> Routed:
        """Route what the peer has sent."""
        if not self.proven:
            raise StreamError("not-authorized")
        parts = self.parts
        parts.federation.counters.received += 1
        return parts.router.from_server(self, stanza, self.proven)

    def too_late(self) -> None:
        """Who has not authenticated in time is sent away; so is who does not let the connection end."""
        if self.is_ended:
            self.link.abort()
            return
        self.fail(StreamError("connection-timeout", "Authentication took too long"))

    def connection_lost(self, why: str = LOST) -> None:
        """The connection is gone; what came before is dealt with."""
        self.set_deadline(None)
        self.link = GONE
        self.conn = None
        self._over(why)
        self.drain_and_end()

    def emptied(self) -> None:
        """All is dealt with that came before the connection was lost."""
        self.proven = {}

    # -- proofs -------------------------------------------------------------------------------------------------------

    def prove(self, theirs: str, ours: str, how: str, feature: AnyFeature) -> None:
        """The peer has shown towards *ours* to be *theirs*."""
        self.proven.setdefault(theirs, set()).add(ours)
        self.authenticated_by = how
        is_first = not self.state & StreamState.AUTHENTICATED
        self.negotiated(feature)
        if is_first:
            self.set_deadline(None)
            self.link.authenticated()
        self._log.info(
            "{domain} is authenticated to {ours} by {how}", domain=theirs, ours=ours, how=how, peer=self.peer
        )

    def is_covered(self, domain: str) -> bool:
        """Whether the peer's certificate covers *domain*."""
        tls = self.parts.tls
        return tls is not None and self.conn is not None and tls.covers(self.carrier.transport, domain)

    # -- out ----------------------------------------------------------------------------------------------------------

    def send(self, x: Sendable) -> bool:
        """Write *x* to the peer; say whether it still takes anything."""
        conn = self.conn
        if conn is None or self.is_ended:
            return False
        if isinstance(x, Stanza):
            conn.write(x.to_bytes())
        elif isinstance(x, Element):
            conn.write(x.to_bytes(ns.SERVER))
        else:
            conn.write(x.encode() if isinstance(x, str) else x)
        return True

    def fail(self, error: StreamError) -> None:
        """End the stream with *error* (RFC 6120 4.9)."""
        self.close(error)

    def close(self, x: StreamError | object | None = None, reason: str = "closed by the server") -> None:
        """End the stream, with an error if *x* is one; harmless the second time."""
        if self.is_ended:
            return
        error = x if isinstance(x, StreamError) else None
        if self.conn is not None:
            self.begin_if_needed()
            if error is not None:
                self.conn.write(FRAMING.error(error))
            self.conn.write(FRAMING.closing())
        self._over(str(error) if error is not None else reason)
        self.take_no_more()
        self.set_deadline(ABORT_AFTER_S)
        self.link.drop()

    def begin_if_needed(self) -> None:
        """Write our header where none was written yet: an error must stand in a stream (RFC 6120 4.9.1.1)."""

    def shown(self) -> Shown | None:
        """Give the peer's certificate."""
        tls = self.parts.tls
        return tls.shown(self.carrier.transport) if tls is not None and self.conn is not None else None

    def _peer_failed(self, element: Element) -> None:
        found = [child.name for child in element.elements() if child.name in STREAM_CONDITIONS]
        text = next((child.text for child in element.elements() if child.name == "text"), "")
        words = f"{found[0] if found else 'undefined-condition'} {text[:200]}".strip()
        self.close(reason=f"the peer says: {words}")

    def _over(self, reason: str) -> None:
        if self.is_ended:
            return
        self.is_ended = True
        if reason == LOST:  # neither side has closed it
            self._broke_off()
        self._log.info(
            "Stream with {whom} ended: {reason}",
            whom=self.theirs or "an unknown server",
            reason=self.explained(reason),
            peer=self.peer,
            domain=self.theirs,
            ours=self.ours,
        )
        self.ended(reason)

    def _broke_off(self) -> None:
        """Whether contacts of the peer are still there is asked soon."""
        for theirs, all_ours in self.proven.items():
            for ours in all_ours:
                self.parts.federation.contacts.broke_off(ours, theirs)
