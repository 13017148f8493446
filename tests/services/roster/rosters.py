"""What the tests of rosters and subscriptions need: a server in memory, and what it sends to other servers."""

from typing import Any

from xmppd.core.events import Traffic
from xmppd.core.session import Session
from xmppd.services.roster.items import RosterItem, encode
from xmppd.services.roster.roster import REQUESTS, STORE, SUBSCRIBED_TO_US, WITHDRAWN, Roster
from xmppd.services.roster.subscription_states import State
from xmppd.services.roster.subscriptions import Subscriptions
from xmppd.stanza.element import parse_element
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Put
from xmppd.testing.doors import FakeDoor
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.sessions import bound_session, written

ROMEO, JULIET = JID.parse("romeo@localhost"), JID.parse("juliet@example.net")


class RosterWorld:
    """A server where Romeo is at home once he has a session; Juliet is elsewhere.

    `told` is what left for other servers and what hooks heard, in order.
    """

    def __init__(self, options: str = "") -> None:
        self.memory = MemoryServer(options)
        self.server = self.memory.server
        self.rosters = self.server.rosters
        self.subscriptions = self.server.services[Subscriptions]
        self.told: list[str] = []
        self.routed: list[Stanza] = []
        hooks = self.server.hosts["localhost"].hooks
        self.door = FakeDoor(self._remote)
        self.server.router.remote.open(self.door)
        hooks.add(SUBSCRIBED_TO_US, lambda change: self.told.append(f"granted {change.contact}"))
        hooks.add(WITHDRAWN, lambda change: self.told.append(f"withdrawn {change.contact}"))

    def _remote(self, traffic: Traffic) -> bool:
        if traffic.stanza.type is not None and traffic.stanza.type != "unavailable":
            self.routed.append(traffic.stanza)
            self.told.append(f"{traffic.stanza.type} {traffic.stanza.to}")
        return True

    def put(self, state: State, contact: JID = JULIET, **values: Any) -> None:
        """Store the roster item and the request of *state* for a roster that is not loaded."""
        item = RosterItem(contact.bare, None, state.subscription, state.ask)._replace(**values)
        if item != RosterItem(contact.bare):
            now(self.memory.storage.commit(Put(STORE, ROMEO.bare, contact.bare, encode(item))))
        if state.asked:
            request = Stanza.make("presence", from_=contact.bare, to=ROMEO.bare, type="subscribe", id="old")
            now(self.memory.storage.commit(Put(REQUESTS, ROMEO.bare, contact.bare, request.to_bytes())))

    def session(self, full_jid: str = "romeo@localhost/orchard", *, interested: bool = True) -> Session:
        """Give an available resource with its roster."""
        session = bound_session(self.server.registry, full_jid, 0)
        session.roster = now(self.rosters.load(JID.parse(full_jid).bare))
        session.interested = interested
        return session

    def roster(self) -> Roster:
        """Give Romeo's roster."""
        roster: Roster = now(self.rosters.load(ROMEO.bare))
        return roster

    def stored(self) -> Roster:
        """Give Romeo's roster as it is stored."""
        roster: Roster = now(type(self.rosters)(*self._parts()).load(ROMEO.bare))
        return roster

    def _parts(self) -> Any:
        server = self.server
        return server.storage, server.hosts, server.registry, server.router, server.timers

    def send(self, type: str, contact: JID = JULIET) -> None:
        """Let Romeo send a subscription stanza."""
        stanza = Stanza.make("presence", from_=ROMEO.bare, to=contact.bare, type=type)
        now(self.subscriptions.send(stanza, ROMEO, contact))

    def receive(self, type: str, contact: JID = JULIET) -> None:
        """Let a subscription stanza come for Romeo."""
        stanza = Stanza.make("presence", from_=contact.bare, to=ROMEO.bare, type=type)
        now(self.subscriptions.receive(stanza, ROMEO, contact))


def pushes(session: Session) -> tuple[list[str], list[str]]:
    """Give what a session got: the stanzas of subscription, and the items of roster pushes."""
    wrapped = parse_element(b"<x xmlns='jabber:client'>" + written(session) + b"</x>")
    stanzas, items = [], []
    for element in wrapped.elements():
        query = element.child("query", "jabber:iq:roster")
        if element.name == "presence" and element.get("type") not in (None, "unavailable"):
            stanzas.append(element.get("type") or "")
        elif query is not None:
            item = next(query.elements())
            items.append(
                f"{item.get('jid')} {item.get('subscription')}" + (" ask" if item.get("ask") else "")
            )
    return stanzas, items
