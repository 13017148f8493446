"""Presence on the wire: RFC 6121 4; subscriptions have a module of their own."""

import re
from collections.abc import Iterator

from twisted.internet.defer import Deferred

from xmppd.core import events
from xmppd.core.events import Traffic, Unbound
from xmppd.core.module import XEP, Module, on
from xmppd.core.session import Session
from xmppd.core.stations import NOTING, SHOWING
from xmppd.core.turns import Turns
from xmppd.core.waiting import spawn, started
from xmppd.services.components.components import CONNECTED, DISCONNECTED, Connection
from xmppd.services.federation.contacts import RemoteContacts
from xmppd.services.presence.presence import BECAME_AVAILABLE, NS_DELAY, REQUESTING, Presence
from xmppd.services.roster.roster import SUBSCRIBED_TO_US, WITHDRAWN, Granted, Roster, Withdrawn
from xmppd.services.roster.subscriptions import Subscriptions
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza

AVAILABILITY = frozenset((None, "unavailable"))
TYPES = AVAILABILITY | {"probe", "error", "subscribe", "subscribed", "unsubscribe", "unsubscribed"}
_INTEGER = re.compile("[+-]?[0-9]{1,20}")


class PresenceModule(Module):
    """Takes presence stanzas to the presence service."""

    name = "presence"
    summary = "Presence"
    xep = (XEP(203, "2.0"), XEP(318, "0.2"))
    features = (NS_DELAY,)
    uses = (Presence, RemoteContacts, Turns, Subscriptions)

    def start(self) -> None:
        """Find the services."""
        self._presence = self.api.services[Presence]
        self._subscriptions = self.api.services[Subscriptions]
        self._elsewhere = self.api.services[RemoteContacts]

    @on(events.CLIENT_PRESENCE, SHOWING)
    def on_client_presence(self, traffic: Traffic) -> object:
        """Presence of a local client: undirected (4.2, 4.4, 4.5), directed (4.6), or a probe, which is not its own."""
        stanza, session = traffic.stanza, traffic.origin
        if session is None:
            return None
        if stanza.type not in TYPES:
            raise StanzaError("bad-request", "There is no presence of this type")
        if stanza.type == "probe":
            return not _may_probe(session, traffic) or None
        if stanza.type not in AVAILABILITY:
            return None
        if stanza.to is not None:
            self._presence.directed(session, stanza, traffic.target)
            return None
        if stanza.type is None:
            told = self._presence.available(session, stanza, _priority(stanza))
        else:
            told = self._presence.unavailable(session, stanza)
        return True if told is None else told.addCallback(lambda _: True)

    @on(events.ACCOUNT_PRESENCE, SHOWING)
    def on_account_presence(self, traffic: Traffic) -> object:
        """Presence for a local account (8.5), or a probe of it (4.3.2)."""
        stanza = traffic.stanza
        if stanza.type == "probe":
            if self._subscriptions.is_ignored(traffic.target, traffic.sender):
                return True
            answered = started(self._presence.probed(traffic.sender, traffic.target))
            return answered.addCallback(lambda _: True)
        if stanza.type in AVAILABILITY or stanza.type == "error":
            if stanza.type != "error":
                self._elsewhere.heard(traffic.target, traffic.sender, is_available=stanza.type is None)
            self._presence.deliver(stanza, traffic.target)
            return True
        if stanza.type not in TYPES:
            raise StanzaError("bad-request", "There is no presence of this type")
        return None

    @on(DISCONNECTED)
    def on_component_gone(self, connection: Connection) -> None:
        """A component is gone: its contacts are, too, unless it comes back soon."""
        self._elsewhere.broke_off(self.api.host.name, connection.name)

    @on(CONNECTED)
    def on_component_came(self, connection: Connection) -> None:
        """It is back: who is there is asked anew."""
        self._elsewhere.reached(self.api.host.name, connection.name)

    @on(SUBSCRIBED_TO_US)
    def on_granted(self, granted: Granted) -> None:
        """A contact may see our presence from now on (RFC 6121 3.1.5)."""
        self._presence.granted(granted.owner, granted.contact)

    @on(WITHDRAWN)
    def on_withdrawn(self, withdrawn: Withdrawn) -> None:
        """A contact may see our presence no more (RFC 6121 3.2.2, 3.3.3)."""
        self._presence.withdrawn(withdrawn.owner, withdrawn.contact)

    @on(BECAME_AVAILABLE, REQUESTING)
    def on_became_available(self, session: Session) -> Deferred[None] | None:
        """Requests that wait for an answer are shown at each initial presence (RFC 6121 3.1.3)."""
        if not isinstance(session.roster, Roster) or not session.roster.pending:
            return None
        return self.api.services[Turns].run(self._requests(session, session.roster))

    def _requests(self, session: Session, roster: Roster) -> Iterator[None]:
        for request in self._subscriptions.pending_for(roster):
            if session.presence is None:
                return
            if self._presence.passes(request.from_ or "", session.full_jid or ""):
                session.send(request)
            yield

    @on(events.RESOURCE_BOUND)
    def on_bound(self, session: Session) -> Deferred[None] | None:
        """Who comes back under the same full JID waits until all know that the session before has left."""
        return self._presence.left(session.full_jid or "")

    @on(events.RESOURCE_UNBOUND, NOTING)
    def on_unbound(self, unbound: Unbound) -> None:
        """A connection that is gone sends unavailable presence in its client's name (4.5.3)."""
        session = unbound.session
        if session.presence is None and not session.directed:
            return
        content = (
            [] if unbound.status is None else [Element("status", "jabber:client", children=[unbound.status])]
        )
        gone = Stanza.make("presence", *content, from_=session.full_jid, type="unavailable")
        told = self._presence.unavailable(session, gone)
        if told is not None:
            spawn("unavailable presence", told)


def _may_probe(session: Session, traffic: Traffic) -> bool:
    """Whether a client's own probe goes on (4.3): the answer to one would end a request that waits for another."""
    if traffic.stanza.to is None:
        return False
    roster = session.roster
    return not isinstance(roster, Roster) or not roster.state(traffic.target.bare).ask


def _priority(stanza: Stanza) -> int:
    """RFC 6121 4.7.2.3; an element that is missing or empty is 0."""
    if not stanza.has("priority", "jabber:client"):
        return 0
    text = (stanza.element.child_text("priority") or "0").strip()
    if not _INTEGER.fullmatch(text):
        raise StanzaError("bad-request", "The priority is no integer")
    return int(text)
