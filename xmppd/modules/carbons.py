"""Message Carbons: XEP-0280 1.0.1. Which messages are copied is in the tables of `xmppd.stanza.kinds`.

A client that enabled them gets what the account's other clients send and receive. A copy is never copied, never
archived, never kept for later, and its failure is told to nobody.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from xmppd.core import events
from xmppd.core.attachment import Attachment
from xmppd.core.bounded import Bounded
from xmppd.core.events import Delivery, IQRequest, Traffic, Unbound
from xmppd.core.module import XEP, Module, iq, on
from xmppd.core.session import Session
from xmppd.core.stations import CLEANING, COPYING, NOTING
from xmppd.services.archive.ids import archived_as
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.login.login import BINDING_INLINE, GATHERING, OFFERING, InlineBind, Offer
from xmppd.stanza.carbon import COPIES, RECEIVED, SENT, carbon, carbon_inner
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.kinds import MEANING, is_copied, kind_of
from xmppd.stanza.kinds import NS_CARBONS as NS
from xmppd.stanza.layout import ChildName
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import with_stanza_id

NS_RULES: Final = "urn:xmpp:carbons:rules:0"
ENABLED: Final = Attachment[bool]("carbons")
"""Under this name a session keeps that it is sent copies."""
REMEMBERED: Final = 100
"""Of so many messages sent, and got, an account's errors are recognised."""
SMALL_BYTES: Final = 2_048
"""Of messages that are not larger all names of children are kept for that, of others those that mean anything."""


class Carbons(Module):
    """Copies messages to the clients of the account that sends and of the one that receives them."""

    name = "carbons"
    summary = "Message Carbons"
    xep = (XEP(280, "1.0.1"), XEP(297, "1.0"))
    features = (NS, NS_RULES)
    account_features = (NS, NS_RULES)
    uses = (Inbox,)

    def start(self) -> None:
        """Find who has them enabled already, in case the module was loaded anew."""
        self._inbox = self.api.services[Inbox]
        self._enabled: dict[str, tuple[Session, ...]] = {}
        self._sent: dict[str, Bounded[int, None]] = {}
        self._received: dict[str, deque[tuple[int, str | None, tuple[ChildName, ...]]]] = {}
        for session in self.api.registry:
            if session.host == self.api.host.name and session.attached(ENABLED) is not None:
                self._index(session)

    # -- enabling and disabling (XEP-0280 4, 5) -----------------------------------------------------------------------

    @iq("set", NS, "enable", to="own")
    def on_enable(self, request: IQRequest) -> None:
        """Send copies to this client from now on; harmless the second time."""
        self.enable(_own_session(request))

    @iq("set", NS, "disable", to="own")
    def on_disable(self, request: IQRequest) -> None:
        """Send no more copies to this client; harmless the second time."""
        session = _own_session(request)
        session.attach(ENABLED, None)
        self._forget(session)

    @on(OFFERING, GATHERING)
    def on_offering(self, offer: Offer) -> None:
        """They can be enabled within a login (XEP-0386 3.1)."""
        offer.bind.append(NS)

    @on(BINDING_INLINE)
    def on_binding(self, inline: InlineBind) -> None:
        """Enable them with the binding, where that is asked for (XEP-0386 3.2): no answer is due."""
        if inline.request.child("enable", NS) is not None:
            self.enable(inline.session)

    def enable(self, session: Session) -> None:
        """Send copies to *session* from now on."""
        session.attach(ENABLED, True)
        self._forget(session)
        self._index(session)

    @on(events.RESOURCE_UNBOUND, NOTING)
    def on_unbound(self, unbound: Unbound) -> None:
        """A client that has left."""
        self._forget(unbound.session)

    # -- what is sent (XEP-0280 8) ------------------------------------------------------------------------------------

    @on(events.CLIENT_STANZA, CLEANING)
    def on_client_stanza(self, traffic: Traffic) -> None:
        """A client cannot make copies: what looks like one is cut out of what it sends."""
        if not COPIES.isdisjoint(traffic.stanza.child_names):
            traffic.stanza = _without_copies(traffic.stanza)

    @on(events.CLIENT_STANZA, COPYING)
    def on_sending(self, traffic: Traffic) -> None:
        """Copy what a client sends to the other clients of its account, with the id in its own archive."""
        sessions = self._enabled.get(traffic.sender.bare)
        if sessions is None or traffic.stanza.name != "message":
            return
        stanza, bare = traffic.stanza, traffic.sender.bare
        if kind_of(stanza).is_copied_sent:
            self._remember(bare, stanza)
        elif stanza.type != "error" or not self._is_reply(bare, stanza):
            return
        if bare == traffic.target.bare:
            return  # it comes back, and is copied as received
        others = [session for session in sessions if session is not traffic.origin]
        if not others:
            return
        archive_id = archived_as(traffic.changes, bare)
        if archive_id is not None:
            stanza = with_stanza_id(stanza, bare, archive_id)
        self._copy(SENT, stanza, bare, others)

    # -- what is received (XEP-0280 7) --------------------------------------------------------------------------------

    @on(events.ACCOUNT_STANZA, CLEANING)
    def on_account_stanza(self, traffic: Traffic) -> None:
        """Nobody else can make copies either."""
        if traffic.origin is None and not COPIES.isdisjoint(traffic.stanza.child_names):
            traffic.stanza = _without_copies(traffic.stanza)

    @on(events.MESSAGE_DELIVERING, COPYING)
    def on_delivering(self, delivery: Delivery) -> None:
        """Copy a message to the clients of its recipient that do not get it; if none gets it, to available ones."""
        sessions = self._enabled.get(delivery.target.bare)
        if sessions is None:
            return
        stanza, bare, taking = delivery.stanza, delivery.target.bare, delivery.sessions
        if stanza.id is not None:
            self._remember_received(bare, stanza)
        others = [
            session
            for session in sessions
            if session not in taking
            and session is not delivery.origin
            and (taking or session.presence is not None)
        ]
        if others and (kind_of(stanza).is_copied_received or self._is_answer(bare, stanza)):
            inner = carbon_inner(stanza, RECEIVED)
            for session in others:
                copy = carbon(stanza, RECEIVED, bare, session.full_jid, inner)
                self._inbox.send_copy(session, copy, delivery.record, is_taken=bool(taking))

    @on(events.MESSAGE_REFUSED)
    def on_refused(self, traffic: Traffic) -> None:
        """Copy the server's own error to the other clients of who sent the message (XEP-0280 6.1)."""
        bare = traffic.target.bare
        sessions = self._enabled.get(bare)
        if sessions is not None and self._is_answer(bare, traffic.stanza):
            others = [session for session in sessions if session is not traffic.origin]
            self._copy(RECEIVED, traffic.stanza, bare, others)

    # -- the rest -----------------------------------------------------------------------------------------------------

    def _copy(self, name: ChildName, stanza: Stanza, bare: str, sessions: Iterable[Session]) -> None:
        inner = carbon_inner(stanza, name)
        for session in sessions:
            copy = carbon(stanza, name, bare, session.full_jid, inner)
            self._inbox.send_copy(session, copy, None, is_taken=True)

    def _remember(self, bare: str, stanza: Stanza) -> None:
        """Keep the id of an eligible message, as its hash: an error with it is copied as well (XEP-0280 6.1)."""
        if stanza.id is not None:
            sent = self._sent.get(bare)
            if sent is None:
                sent = self._sent[bare] = Bounded(REMEMBERED)
            sent.keep(hash(stanza.id), None)

    def _remember_received(self, bare: str, stanza: Stanza) -> None:
        """Keep what tells whether a message was eligible, without looking at that now."""
        received = self._received.get(bare)
        if received is None:
            received = self._received[bare] = deque(maxlen=REMEMBERED)
        names = stanza.child_names
        if len(stanza.inner) > SMALL_BYTES:
            names = tuple(name for name in names if name in MEANING)[:REMEMBERED]
        received.append((hash(stanza.id), stanza.type, names))

    def _is_answer(self, bare: str, stanza: Stanza) -> bool:
        return stanza.type == "error" and hash(stanza.id) in self._sent.get(bare, ())

    def _is_reply(self, bare: str, stanza: Stanza) -> bool:
        """Whether an error of a client answers a message that it got and that was copied (XEP-0280 6.1)."""
        wanted = hash(stanza.id)
        for id, type_, names in self._received.get(bare, ()):
            if id == wanted and is_copied(Stanza("message", None, None, None, type_, None, "", b"", names)):
                return True
        return False

    def _index(self, session: Session) -> None:
        bare = session.bare_jid or ""
        self._enabled[bare] = (*self._enabled.get(bare, ()), session)

    def _forget(self, session: Session) -> None:
        bare = session.bare_jid or ""
        left = tuple(other for other in self._enabled.get(bare, ()) if other is not session)
        if left:
            self._enabled[bare] = left
        else:
            self._enabled.pop(bare, None)
            self._sent.pop(bare, None)
            self._received.pop(bare, None)


def _own_session(request: IQRequest) -> Session:
    """XEP-0280 4.1, 5.1: it is of clients here."""
    if request.origin is None:
        raise StanzaError("not-allowed")
    return request.origin


def _without_copies(stanza: Stanza) -> Stanza:
    return stanza.without(lambda ns, name, index: (ns, name) in COPIES)
