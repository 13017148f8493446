"""A stream that another server has begun: its header, STARTTLS, SASL EXTERNAL (XEP-0178 3), dialback (XEP-0220).

Several pairs of domains may be proved on it, each by dialback or by the certificate; what has not been proved is not
taken.
"""

from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from xmppd.core.commits import Routed
from xmppd.core.session import Connection
from xmppd.net.streams.inlet import LOST
from xmppd.net.streams.negotiation import STARTTLS
from xmppd.net.streams.s2s.acks import SM
from xmppd.net.streams.s2s.bidi import TWO_WAYS, WayBack
from xmppd.net.streams.s2s.external import EXTERNAL
from xmppd.net.streams.s2s.header import domains_of, has_features
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.net.streams.s2s.proving import DIALBACK, check_verify, read_dialback
from xmppd.net.streams.s2s.stream import FRAMING, PAIRS, ServerStream
from xmppd.net.streams.s2s.wire import PeerLink
from xmppd.services.federation.outbound import Carrier, Sender
from xmppd.services.federation.sent import SentItems
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream.dialback import ERROR, INVALID, VALID, Dialback
from xmppd.stream.events import ElementBegun, StreamOpened
from xmppd.stream.features import AnyFeature, ElementHandler, StreamFeature, handler_of, offered

VERIFYING: Final = 20
"""Pairs of one stream that may be asked about at the same time."""


class IncomingStream(ServerStream):
    """One stream of another server to us."""

    __slots__ = ("_back", "_has_way_back", "_sent_back", "_verifying", "auth_failures", "is_open", "lang")

    def __init__(self, link: PeerLink, parts: S2SParts, conn: Connection, peer: str):
        self.is_open = False
        """Whether our header was sent."""
        self.auth_failures = 0
        self.lang: str | None = None
        self._verifying = 0
        self._has_way_back = False
        self._back: WayBack | None = None
        self._sent_back: SentItems | None = None
        super().__init__(link, parts, conn, peer)
        self.stream_id = parts.new_stream_id()

    @property
    def can_start_tls(self) -> bool:
        """Whether STARTTLS is possible and has not happened."""
        return not self.carrier.is_secure and self.parts.tls is not None

    @property
    def is_tls_required(self) -> bool:
        """Whether nobody may authenticate before it has."""
        return self.parts.settings().require_tls

    # -- the header ---------------------------------------------------------------------------------------------------

    def opened(self, header: StreamOpened) -> None:
        """Check the header, answer it, and offer what there is."""
        self.lang = header.attrs.get("xml:lang")
        ours, theirs = domains_of(header, self.parts.hosts)
        if theirs and not self.parts.settings().may_talk_to(theirs):
            raise StreamError("policy-violation", "This server does not talk to yours")
        if self.proven and (ours != self.ours or theirs not in ("", self.theirs)):
            raise StreamError("not-authorized", "The domains of a stream cannot change")
        self.ours, self.theirs = ours, theirs or (self.theirs if self.proven else "")
        is_modern = has_features(header)
        if not is_modern and self.is_tls_required:
            raise StreamError("unsupported-version", "TLS is needed here")
        self.begin_if_needed()
        if is_modern:
            elements = offered(FEATURES, self.kind, self.state, self)
            self.send(FRAMING.features(b"".join(element.to_bytes(ns.SERVER) for element in elements)))

    def begin_if_needed(self) -> None:
        """Write our header."""
        if not self.is_open and self.conn is not None:
            self.is_open = True
            self.conn.write(
                FRAMING.opening(self.stream_id, self.ours or None, self.theirs or None, self.lang)
            )

    # -- what the features tell ---------------------------------------------------------------------------------------

    def element(self, element: Element) -> Deferred[None] | None:
        """One of the negotiation."""
        answer = self._handler(element.ns, element.name)(self, element)
        return answer if isinstance(answer, Deferred) else None

    def begun(self, element: ElementBegun) -> None:
        """What nobody takes is refused by its name."""
        if (element.ns, element.name) != (ns.STREAMS, "error"):
            self._handler(element.ns, element.name)

    def _handler(self, namespace: str, name: str) -> ElementHandler["IncomingStream"]:
        handler = handler_of(FEATURES, self.kind, self.state, namespace, name)
        if handler is None:
            raise StreamError("unsupported-stanza-type" if self.proven else "not-authorized")
        return handler

    def start_tls(self) -> None:
        """Begin TLS; what has been negotiated without it is void."""
        assert self.parts.tls is not None
        self.carrier.begin_tls(self.parts.tls.creator_in(self.ours, self.theirs or None))

    def restart(self) -> None:
        """Expect a new header (RFC 6120 4.3.3)."""
        self.is_open = False
        self.stream_id = self.parts.new_stream_id()
        self.link.restart()

    # -- dialback -----------------------------------------------------------------------------------------------------

    def dialback_result(self, element: Element) -> None:
        """XEP-0220 2.1.1: the peer claims to be a domain; see whether it is."""
        request = read_dialback(element)
        if request.type is not None:
            return
        problem = self._problem_of(request)
        if problem is not None:
            self._answer(request, ERROR, problem)
        elif self.is_covered(request.from_):
            self._proved(request, "certificate")
        else:
            self._verifying += 1
            waiting = self.parts.verify(request, self.stream_id)
            waiting.addCallbacks(
                self._verified, self._not_verified, callbackArgs=(request,), errbackArgs=(request,)
            )

    def dialback_verify(self, element: Element) -> None:
        """XEP-0220 2.1.3: another server asks whether a key is ours."""
        request = read_dialback(element)
        if request.type is None:
            self.send(check_verify(request, self.parts).to_bytes())

    def _problem_of(self, request: Dialback) -> str | None:
        """Say why a claim is not even looked into; a condition of RFC 6120 8.3.3."""
        settings = self.parts.settings()
        if request.to not in self.parts.hosts:
            return "item-not-found"
        if not settings.may_talk_to(request.from_) or request.from_ in self.parts.hosts:
            return "policy-violation"
        if settings.of(request.from_).require_certificate and not self.is_covered(request.from_):
            return "not-authorized"
        if not settings.dialback:
            return "not-allowed"
        if self._verifying >= VERIFYING or sum(map(len, self.proven.values())) >= PAIRS:
            return "resource-constraint"
        return None

    def _verified(self, is_valid: bool, request: Dialback) -> None:
        self._verifying -= 1
        if is_valid:
            self._proved(request, "dialback")
        else:
            self._answer(request, INVALID)
            self._log.info("A dialback key of {domain} is false", domain=request.from_, peer=self.peer)
            if not self.proven:
                self.close()

    def _not_verified(self, failure: Failure, request: Dialback) -> None:
        self._verifying -= 1
        failed = getattr(failure.value, "failed", None)
        if failed is None:
            self._log.failure("A dialback key could not be looked into", failure, peer=self.peer)
        self._answer(request, ERROR, "remote-server-timeout" if failed is None else failed.condition)

    def _proved(self, request: Dialback, how: str) -> None:
        if self.is_ended:
            return
        self.theirs = self.theirs or request.from_
        self.prove(request.from_, request.to, how, DIALBACK)
        self._answer(request, VALID)

    def _answer(self, request: Dialback, type_: str, condition: str | None = None) -> None:
        self.send(request.answer(type_, condition).to_bytes())

    # -- the way back (XEP-0288) --------------------------------------------------------------------------------------

    def stanza(self, stanza: Stanza) -> Routed:
        """Route what the peer has sent; if it is its first stanza, the negotiation is over."""
        if self.is_bidi and not self._has_way_back:
            self._open_way_back()
        return super().stanza(stanza)

    def enabled(self, id: str) -> None:
        """Acknowledgements are agreed upon, both ways."""
        self._sent_back = SentItems(id)
        if self._back is not None:
            self._back.counter.sent = self._sent_back
        elif self.is_bidi and not self._has_way_back:
            self._open_way_back()

    def resumed(self, id: str, h: int | None) -> None:
        """An earlier stream goes on: so does what went back by it, from where it had got to."""
        if self.is_bidi and h is not None and self.parts.federation.resumed(self.ours, self.theirs, id, h):
            self._sent_back = SentItems(id, h)
            self._open_way_back()

    def acknowledged(self, element: Element) -> None:
        """The peer acknowledges what went back."""
        if self._back is not None:
            self._back.counter.acknowledged(element)

    def carry_back(self, sender: Sender) -> Carrier:
        """Carry for *sender* from now on."""
        self._back = WayBack(self, sender, self._sent_back)
        return self._back

    def carry_no_more(self) -> None:
        """Its pair has nothing to send; another time it may."""
        self._back = None
        if not self.is_ended:
            self.parts.ways_back.offer(self)

    def _open_way_back(self) -> None:
        if self.ours in self.proven.get(self.theirs, ()):
            self._has_way_back = True
            self.parts.ways_back.offer(self)
            self.parts.federation.came(self.ours, self.theirs)

    def connection_lost(self, why: str = LOST) -> None:
        """What may not have arrived goes back to the pair."""
        was_closing = self.is_ended
        super().connection_lost(why)
        back, self._back = self._back, None
        if back is not None:
            back.lost(None, has_left=was_closing and self.carrier.was_clean)

    # -- the end ------------------------------------------------------------------------------------------------------

    def authenticated(self, feature: AnyFeature) -> None:
        """The certificate has shown that the peer is who its header says."""
        self.prove(self.theirs, self.ours, "EXTERNAL", feature)

    def end_for_another(self) -> None:
        """Another stream of the peer goes on in this one's place (XEP-0198 5)."""
        self.close(StreamError("conflict", "Resumed by another stream"))

    def prove(self, theirs: str, ours: str, how: str, feature: AnyFeature) -> None:
        """The peer has shown towards *ours* to be *theirs*; so it is there, and what waits is sent by the way back."""
        super().prove(theirs, ours, how, feature)
        if not self.is_bidi:
            self.parts.federation.came(ours, theirs)

    def ended(self, reason: str) -> None:
        """Count who never got in."""
        self.parts.ways_back.forget(self)
        if not self.proven:
            self.parts.federation.counters.refused += 1


FEATURES: Final[tuple[StreamFeature[IncomingStream], ...]] = (
    STARTTLS,
    TWO_WAYS,
    EXTERNAL,
    DIALBACK,
    SM,
)
"""What such a stream offers."""
