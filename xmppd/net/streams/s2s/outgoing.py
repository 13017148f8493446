"""A stream on which stanzas go to another server: SASL EXTERNAL (XEP-0178 3), else dialback (XEP-0220 2.1.1)."""

from base64 import b64encode
from collections.abc import Callable

from twisted.internet.defer import Deferred

from xmppd.core.commits import Routed
from xmppd.core.session import Connection
from xmppd.net.streams.inlet import LOST
from xmppd.net.streams.s2s.acks import settled
from xmppd.net.streams.s2s.bidi import BIDI, NS_FEATURE
from xmppd.net.streams.s2s.carrying import PairCarrier
from xmppd.net.streams.s2s.external import EXTERNAL
from xmppd.net.streams.s2s.initiated import InitiatedStream
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.net.streams.s2s.proving import DIALBACK, check_verify, read_dialback
from xmppd.net.streams.s2s.wire import PeerLink
from xmppd.services.federation.outbound import Carrier, Failed, Sender
from xmppd.services.federation.received import NS as NS_SM
from xmppd.services.federation.received import ReceivedLedger
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.stanza import Stanza
from xmppd.stream.dialback import ERROR, VALID, Dialback, make_key
from xmppd.stream.features import AnyFeature, StreamState

Told = Callable[[Carrier | Failed], None]
"""Hears once what came of it."""


class OutgoingStream(InitiatedStream):
    """One stream that a pair of domains sends on."""

    __slots__ = ("_cargo", "_is_external_tried", "_tell")

    def __init__(
        self,
        link: PeerLink,
        parts: S2SParts,
        conn: Connection,
        peer: str,
        sender: Sender,
        tell: Told,
        *,
        is_direct: bool,
    ):
        self._tell = tell
        self._is_external_tried = False
        super().__init__(link, parts, conn, peer, (sender.ours, sender.theirs), is_direct=is_direct)
        self._cargo = PairCarrier(self, sender)

    # -- authentication -----------------------------------------------------------------------------------------------

    def secured(self, features: Element) -> Deferred[None] | None:
        """Show who we are, if that is not done."""
        if self.state & StreamState.AUTHENTICATED:
            if features.child("sm", NS_SM) is not None:
                return self._begin_acks()
            self._ready()
            return None
        self._ask_for_both_ways(features)
        mechanisms = features.child("mechanisms", ns.SASL)
        offered = () if mechanisms is None else {each.text for each in mechanisms.elements()}
        if "EXTERNAL" in offered and not self._is_external_tried:
            self._is_external_tried = True
            authzid = b64encode(self.ours.encode()).decode()
            self.send(Element("auth", ns.SASL, {"mechanism": "EXTERNAL"}, [authzid]))
        else:
            self._call_back()
        return None

    def _ask_for_both_ways(self, features: Element) -> None:
        """XEP-0288 2.2, of who has shown by its certificate that it may speak for the other domain."""
        is_offered = features.child("bidi", NS_FEATURE) is not None
        if is_offered and not self.is_bidi and self.parts.settings().bidirectional:
            self.is_bidi = self.is_covered(self.theirs)
            if self.is_bidi:
                self._cargo.is_always_resumed = True
                self.send(BIDI)

    def answered(self, element: Element) -> bool:
        """The answer to SASL or to dialback."""
        if element.ns == ns.SASL and self._is_external_tried and not self.state & StreamState.AUTHENTICATED:
            self._sasl(element)
        elif element.ns == NS_SM:
            self._acks(element)
        elif element.ns == ns.DIALBACK and element.name == "result":
            self._result(read_dialback(element))
        elif element.ns == ns.DIALBACK and element.name == "verify":
            request = read_dialback(element)
            if request.type is None:
                self.send(check_verify(request, self.parts).to_bytes())
        else:
            return False
        return True

    def _result(self, result: Dialback) -> None:
        if result.type is not None:
            self._dialback(result)
        else:  # XEP-0288 2.2: another of their domains; it has to begin a stream
            self.send(result.answer(ERROR, "policy-violation").to_bytes())

    def _sasl(self, element: Element) -> None:
        if element.name == "success":
            self._authenticated("EXTERNAL", EXTERNAL)
            self.restart()
        elif element.name == "failure":
            self._call_back()

    def _call_back(self) -> None:
        if not self.parts.settings().dialback or not self.stream_id:
            text = f"{self.theirs} does not believe the certificate of {self.ours}"
            self.give_up(Failed("not-authorized", text, is_final=True))
            return
        key = make_key(self.parts.secret, self.theirs, self.ours, self.stream_id)
        self.send(Dialback("result", self.ours, self.theirs, key=key).to_bytes())

    def _dialback(self, answer: Dialback) -> None:
        if self.is_told or (answer.from_, answer.to) != (self.theirs, self.ours):
            return
        if answer.type == VALID:
            self._authenticated("dialback", DIALBACK)
            self._ready()
            return
        why = (
            "says that this server is somebody else" if answer.type != ERROR else "cannot verify this server"
        )
        text = f"{self.theirs} {why}" + (f" ({answer.condition})" if answer.condition else "")
        self.give_up(Failed("not-authorized", text, is_final=answer.type != ERROR))

    def _authenticated(self, how: str, feature: AnyFeature) -> None:
        self.authenticated_by = how
        if self.is_bidi:
            self.proven = {self.theirs: {self.ours}}
        self.negotiated(feature)
        self.link.authenticated()

    def _ready(self) -> None:
        if self.is_told:
            return
        self.is_told = True
        self.set_deadline(None)
        self._log.info(
            "{ours} is authenticated to {domain} by {how}",
            domain=self.theirs,
            ours=self.ours,
            how=self.authenticated_by,
            peer=self.peer,
        )
        self._tell(self._cargo)

    def given_up(self, failed: Failed) -> None:
        """Tell whoever waits."""
        self._tell(failed)

    # -- acknowledgements (XEP-0198), in both directions where both are used -------------------------------------------

    def _begin_acks(self) -> Deferred[None] | None:
        left = self._cargo.sender.left
        ledger = None
        if left is not None and self.is_bidi:
            ledger = self.parts.federation.received.find(self.ours, self.theirs, left.id)
        if ledger is None:
            self._cargo.begin()
            return None
        return Deferred.fromCoroutine(self._resume_both(ledger))

    async def _resume_both(self, ledger: ReceivedLedger) -> None:
        """What has come by the earlier stream is told when all of it is decided."""
        await settled(ledger, self.parts.timers)
        self._cargo.begin(ledger.incoming.handled)

    def _acks(self, element: Element) -> None:
        if element.name == "a":
            self._cargo.acknowledged(element)
        elif element.name == "r" and isinstance(self.ledger, ReceivedLedger):
            self.ledger.requested()
        elif element.name == "r":
            self.send(f"<a xmlns='{NS_SM}' h='0'/>")
        elif not self.is_told and self._cargo.answered(element):
            self._count_what_comes()
            self._ready()

    def _count_what_comes(self) -> None:
        sent, received = self._cargo.numbered, self.parts.federation.received
        if sent is None or not self.is_bidi:
            return
        ledger = received.find(self.ours, self.theirs, sent.id) or received.adopt(
            self.ours, self.theirs, sent.id
        )
        ledger.send = self.send
        ledger.end_stream = self._take_no_more
        self.ledger = ledger

    def _take_no_more(self) -> None:
        """What came by this stream comes by one of the peer's from now on."""
        self.ledger = None
        self.proven = {}

    # -- stanzas ------------------------------------------------------------------------------------------------------

    def stanza(self, stanza: Stanza) -> Routed:
        """Route what comes the other way."""
        self._cargo.sender.used()
        return super().stanza(stanza)

    def connection_lost(self, why: str = LOST) -> None:
        """What may not have arrived goes back to the pair."""
        was_carrier = self.is_told and bool(self.state & StreamState.AUTHENTICATED)
        was_closing = self.is_ended
        super().connection_lost(why)
        if was_carrier:
            self._cargo.lost(self.failure, has_left=was_closing and self.carrier.was_clean)
        else:
            self._cargo.stop()
