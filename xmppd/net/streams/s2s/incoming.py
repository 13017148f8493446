"""A stream that another server has begun: its header, STARTTLS, SASL EXTERNAL (XEP-0178 3), dialback (XEP-0220).

Several pairs of domains may be proved on it, each by dialback or by the certificate; what has not been proved is not
taken. With DANE nothing is offered under TLS before DNS has said what the certificate has to be (RFC 7673), and nothing
else of the peer's is looked at meanwhile.
"""

from dataclasses import replace
from functools import partial
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from xmppd.core.commits import Routed
from xmppd.core.session import Connection
from xmppd.net.streams.inlet import LOST
from xmppd.net.streams.negotiation import STARTTLS
from xmppd.net.streams.s2s.acks import SM
from xmppd.net.streams.s2s.believing import BY_AUTHORITY, BY_DNS, Belief, Lookups, belief
from xmppd.net.streams.s2s.bidi import TWO_WAYS, WayBack
from xmppd.net.streams.s2s.distrust import distrust
from xmppd.net.streams.s2s.external import EXTERNAL
from xmppd.net.streams.s2s.header import domains_of, has_features
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.net.streams.s2s.proving import DIALBACK, check_verify, read_dialback
from xmppd.net.streams.s2s.records import Said
from xmppd.net.streams.s2s.stream import FRAMING, PAIRS, ServerStream
from xmppd.net.streams.s2s.wire import PeerLink
from xmppd.net.tls.dane import Pinned
from xmppd.net.tls.peers import Shown
from xmppd.services.federation.outbound import Carrier, Sender
from xmppd.services.federation.sent import SentItems
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream.dialback import ERROR, INVALID, VALID, Dialback
from xmppd.stream.events import ElementBegun, StreamOpened
from xmppd.stream.features import (
    AnyFeature,
    ElementHandler,
    StreamFeature,
    StreamState,
    handler_of,
    offered,
)

VERIFYING: Final = 20
"""Pairs of one stream that may be asked about at the same time."""


class IncomingStream(ServerStream):
    """One stream of another server to us."""

    __slots__ = (
        "_back",
        "_belief",
        "_has_way_back",
        "_lookups",
        "_refusal",
        "_sent_back",
        "_verifying",
        "auth_failures",
        "is_open",
        "lang",
    )

    def __init__(self, link: PeerLink, parts: S2SParts, conn: Connection, peer: str):
        self.is_open = False
        """Whether our header was sent."""
        self.auth_failures = 0
        self.lang: str | None = None
        self._refusal = ""
        """Why what the peer claims to be was not believed the last time."""
        self._verifying = 0
        self._lookups = Lookups(parts.records)
        self._belief: Belief | None = None
        """Of the domain of the header, where DNS was asked."""
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

    def opened(self, header: StreamOpened) -> Deferred[None] | None:
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
        if is_modern and self._may_dns_say_more:
            return self._lookups.ask(self.theirs, self._heard)
        if is_modern:
            self._look_at_certificate()
            self._offer()
        return None

    def _look_at_certificate(self) -> None:
        """Where it is not believed, that may be why the peer goes away."""
        is_shown = self.state & (StreamState.SECURE | StreamState.AUTHENTICATED) == StreamState.SECURE
        if is_shown and self.theirs and not self.is_covered(self.theirs):
            self._refusal = distrust(self.theirs, self.shown(), None, self.parts.now())

    def _offer(self) -> None:
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

    # -- the certificate ----------------------------------------------------------------------------------------------

    @property
    def _may_dns_say_more(self) -> bool:
        """Whether the certificate counts now, and DNS may say which it has to be."""
        is_authenticating = (
            self.state & (StreamState.SECURE | StreamState.AUTHENTICATED) == StreamState.SECURE
        )
        return is_authenticating and bool(self.theirs) and self.parts.settings().dane

    def _heard(self, said: Said) -> None:
        """DNS has said of the domain of the header what it says."""
        self._belief = self._believed(self.theirs, said)
        if self._belief.failed is not None:
            self._log.info("A certificate is not taken: {why}", why=self._belief.failed.text, peer=self.peer)
        self._offer()

    def _believed(self, domain: str, said: Said) -> Belief:
        return belief(domain, said, self._is_as_pinned, super().is_covered)

    def _is_as_pinned(self, pinned: Pinned) -> bool:
        tls = self.parts.tls
        return tls is not None and self.conn is not None and tls.is_as_pinned(self.carrier.transport, pinned)

    def is_covered(self, domain: str) -> bool:
        """Whether the peer's certificate is believed for *domain*."""
        if self._belief is not None and domain == self.theirs:
            return bool(self._belief.by)
        return super().is_covered(domain)

    def shown(self) -> Shown | None:
        """Give the peer's certificate."""
        shown = super().shown()
        is_pinned = shown is not None and self.authenticated_by == BY_DNS
        return replace(shown, is_trusted=True, is_pinned=True) if shown and is_pinned else shown

    # -- dialback -----------------------------------------------------------------------------------------------------

    def dialback_result(self, element: Element) -> None:
        """XEP-0220 2.1.1: the peer claims to be a domain; see whether it is."""
        request = read_dialback(element)
        if request.type is not None:
            return
        problem = self._problem_of(request)
        if problem is not None:
            self._refusal = f"{request.from_} may not speak to {request.to} here ({problem})"
            self._answer(request, ERROR, problem)
        elif self.parts.settings().dane:
            self._verifying += 1
            asked = self._lookups.ask(request.from_, partial(self._heard_of, request))
            asked.addErrback(self._not_verified, request)
        else:
            self._look_into(request, Belief(BY_AUTHORITY if self.is_covered(request.from_) else ""))

    def _heard_of(self, request: Dialback, said: Said) -> None:
        self._verifying -= 1
        self._look_into(request, self._believed(request.from_, said))

    def _look_into(self, request: Dialback, found: Belief) -> None:
        """The certificate is enough, or the server of the domain is asked, if that may be."""
        if found.by:
            self._proved(request, found.by)
        elif found.failed is not None:
            self._log.info("A certificate is not taken: {why}", why=found.failed.text, peer=self.peer)
            self._answer(request, ERROR, found.failed.condition)
        elif self.parts.settings().of(request.from_).require_certificate:
            self._refusal = distrust(request.from_, self.shown(), None, self.parts.now())
            self._answer(request, ERROR, "not-authorized")
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
        if not settings.dialback:
            return "not-allowed"
        is_full = self._verifying >= VERIFYING or sum(map(len, self.proven.values())) >= PAIRS
        if is_full or (settings.dane and self.parts.records.is_busy):
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
            self._back.numbered = self._sent_back
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
            self._back.acknowledged(element)

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
        by_dns = self._belief is not None and self._belief.by == BY_DNS
        self.prove(self.theirs, self.ours, BY_DNS if by_dns else "EXTERNAL", feature)

    def end_for_another(self) -> None:
        """Another stream of the peer goes on in this one's place (XEP-0198 5)."""
        self.close(StreamError("conflict", "Resumed by another stream"))

    def prove(self, theirs: str, ours: str, how: str, feature: AnyFeature) -> None:
        """The peer has shown towards *ours* to be *theirs*; so it is there, and what waits is sent by the way back."""
        super().prove(theirs, ours, how, feature)
        self._refusal = ""
        if not self.is_bidi:
            self.parts.federation.came(ours, theirs)

    def explained(self, reason: str) -> str:
        """With what was wrong with the peer, which may not say so itself."""
        return f"{reason}; {self._refusal}" if self._refusal else reason

    def ended(self, reason: str) -> None:
        """Count who never got in."""
        self._lookups.give_up()
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
