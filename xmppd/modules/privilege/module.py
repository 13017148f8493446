"""Privileged Entity: XEP-0356 0.4.1, of components.

Covered: rosters (4), messages (5), IQs (6), presence (7); rights are told to each component when it connects, and
looked at with each use. Differences: in a roster set the subscription of a contact at the component itself is taken
over, as gateways need it, since the component speaks for that contact anyway; not for any other. A message counts as
sent by the account: it is archived, and copied to its clients. Presence of contacts at other servers that came before
a component connected is kept nowhere: they are probed, and what they answer is told (8.1).
"""

from functools import partial
from typing import Any

from xmppd.core import events
from xmppd.core.domains.strangers import refused
from xmppd.core.events import IQRequest, Traffic
from xmppd.core.module import XEP, Module, iq, on
from xmppd.core.session import Session
from xmppd.core.stations import NOTING
from xmppd.core.turns import Turns
from xmppd.core.waiting import Waiting, deferred
from xmppd.modules.privilege.options import NS, PrivilegeOptions, Privileges, allows
from xmppd.modules.privilege.presence import PresenceForComponents
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.components.components import CONNECTED, DISCONNECTED, Components, Connection
from xmppd.services.federation.contacts import RemoteContacts
from xmppd.services.presence.presence import BECAME_AVAILABLE, PRESENCE_CHANGED, Presence
from xmppd.services.roster.items import NS as NS_ROSTER
from xmppd.services.roster.items import Query, item_xml
from xmppd.services.roster.placing import Placing
from xmppd.services.roster.roster import PUSHED, Pushed, Rosters
from xmppd.services.roster.wanted import items_of, read_item
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forward import NS_FORWARD, forwarded_xml
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.ns import CLIENT, COMPONENT
from xmppd.stanza.stanza import Stanza

SUBSCRIPTIONS = ("none", "to", "from", "both")


class Privilege(Module):
    """Lets components act for the accounts of a host."""

    name = "privilege"
    summary = "Privileged entity"
    xep = XEP(356, "0.4.1", "of components")
    features = (NS,)
    options = PrivilegeOptions
    uses = (Accounts, Components, Placing, Presence, RemoteContacts, Rosters, Turns)
    opt: PrivilegeOptions

    def start(self) -> None:
        """Find the services; tell those that are connected already."""
        self._accounts, self._rosters = self.api.services[Accounts], self.api.services[Rosters]
        self._placing = self.api.services[Placing]
        self._components = self.api.services[Components]
        self._presence = PresenceForComponents(
            self.api.host.name,
            self.opt.components,
            self._components,
            self.api.services[Presence],
            self._rosters,
            self.api.registry,
            self.api.router,
            self.api.services[Turns],
            partial(self.api.services[RemoteContacts].ask, self.api.host.name),
        )
        if self.opt.components:  # so that no stanza for the host pays where nobody may send messages
            self.handle(events.HOST_STANZA, self.on_host_stanza)
        if self._presence.hears_of_contacts:
            watchers = self.api.services[Presence].watchers
            watchers.append(self._presence.shown)
            self.at_end(lambda: watchers.remove(self._presence.shown))
        for name in self.opt.components:
            if self._components.is_connected(name):
                self.on_connected(Connection(name))

    @on(CONNECTED)
    def on_connected(self, connection: Connection) -> None:
        """Tell a component what it may do (4.2)."""
        granted = self.opt.components.get(connection.name)
        if granted is not None:
            host, id = self.api.host.name, self._components.new_id(9)
            told = Stanza.make("message", granted.to_element(), from_=host, to=connection.name, id=id)
            self.api.router.route(told)
            self._presence.connected(connection.name)

    @on(DISCONNECTED)
    def on_disconnected(self, connection: Connection) -> None:
        """A component is gone."""
        self._presence.disconnected(connection.name)

    def _granted(self, sender: JID) -> Privileges:
        """Give what *sender* may do; only a component itself has rights, none of its addresses.

        Whoever is no component hears what strangers hear.
        """
        granted = self.opt.components.get(sender.domainpart) if sender.localpart is None else None
        if granted is None:
            raise refused() if self._components.get(sender.domainpart) is None else StanzaError("forbidden")
        return granted

    # -- rosters (4) --------------------------------------------------------------------------------------------------

    @iq("get", NS_ROSTER, "query", to="account")
    @deferred
    async def on_roster_get(self, request: IQRequest) -> Query:
        """A component asks for the roster of an account (4.3)."""
        owner = self._owner(request)
        roster = await self._rosters.load(owner.bare)
        return Query(await self._rosters.written(roster), roster.version)

    @iq("set", NS_ROSTER, "query", to="account")
    @deferred
    async def on_roster_set(self, request: IQRequest) -> None:
        """A component changes the roster of an account (4.3); more than one item is taken, each for itself."""
        owner, limits = self._owner(request), self.api.host.settings.limits
        items = items_of(request.payload)
        if not items:
            raise StanzaError("bad-request", "A roster set has an item")
        wanted = [(read_item(item, owner, limits), item.get("subscription")) for item in items]
        for each, subscription in wanted:
            is_its_own = JID.of_prepared(each.jid).domainpart == request.sender.domainpart
            given = subscription if is_its_own and subscription in SUBSCRIPTIONS else None
            await self._placing.place(owner, each, given)

    def _owner(self, request: IQRequest) -> JID:
        if not allows(self._granted(request.sender).roster, request.stanza.type):
            raise StanzaError("forbidden")
        if not self._accounts.exists(request.target.bare):
            raise StanzaError("service-unavailable", "There is no such account")
        return request.target

    @on(PUSHED)
    def on_pushed(self, pushed: Pushed) -> None:
        """Tell of a change of a roster (4.4)."""
        for name, granted in self.opt.components.items():
            if granted.has_pushes and self._components.is_connected(name):
                query = Query(item_xml(pushed.item).encode(), pushed.roster.version)
                owner, id = pushed.roster.owner, self._components.new_id(9)
                self.api.router.route(Stanza.make("iq", query, from_=owner, to=name, id=id, type="set"))

    # -- messages (5) -------------------------------------------------------------------------------------------------

    def on_host_stanza(self, traffic: Traffic) -> Any:
        """Send what a component has to say in the name of an account, or of the host."""
        if traffic.stanza.name != "message" or not traffic.stanza.has("privilege", NS):
            return None
        if traffic.stanza.type == "error":
            return True
        if self._granted(traffic.sender).message != "outgoing":
            raise StanzaError("forbidden")
        waiting = self._send(traffic, _forwarded(traffic.stanza))
        return True if waiting is None else waiting.addCallback(lambda _: True)

    def _send(self, traffic: Traffic, stanza: Stanza) -> Waiting:
        try:
            sender, target = JID.parse(stanza.from_ or ""), JID.parse(stanza.to or "")
        except InvalidJID as error:
            raise StanzaError("jid-malformed", str(error)) from error
        if sender.domainpart != self.api.host.name or sender.resourcepart is not None:
            raise StanzaError("forbidden", "Only the host and bare addresses of it may be spoken for")
        is_account = sender.localpart is not None
        if is_account and not self._accounts.exists(sender.bare):
            raise StanzaError("forbidden", "There is no such account")
        return self.api.router.forward(traffic, stanza, target, is_sent=is_account)

    # -- IQs (6) ------------------------------------------------------------------------------------------------------

    @iq("get", NS, "privileged_iq", to="account")
    def on_get(self, request: IQRequest) -> Any:
        """Ask somebody in the name of an account (6.3)."""
        return self._ask(request)

    @iq("set", NS, "privileged_iq", to="account")
    def on_set(self, request: IQRequest) -> Any:
        """The same for a change."""
        return self._ask(request)

    @deferred
    async def _ask(self, request: IQRequest) -> Element | bytes:
        granted, owner = self._granted(request.sender), request.target.bare
        inner = _only(request.payload, "iq")
        if inner is None or inner.type != request.stanza.type or len(inner.child_names) != 1:
            raise StanzaError("forbidden")
        if not allows(granted.iq.get(inner.child_names[0][0], "none"), inner.type):
            raise StanzaError("forbidden")
        if inner.from_ not in (None, owner) or not self._accounts.exists(owner):
            raise StanzaError("forbidden")
        to = inner.to or owner
        sent = inner.replace(from_=owner, to=to, id=self._components.new_id(9))
        try:
            answer = await self.api.router.request(sent)
        except StanzaError as error:
            answer = sent.error_reply(error)
        answer = answer.replace(id=inner.id, to=owner, from_=to)
        return b"<privilege xmlns='%b'>%b</privilege>" % (NS.encode(), forwarded_xml(answer))

    # -- presence (7) -------------------------------------------------------------------------------------------------

    @on(BECAME_AVAILABLE, NOTING)
    def on_available(self, session: Session) -> None:
        """A client has come."""
        if self._presence.is_used:
            self._presence.came(session)

    @on(PRESENCE_CHANGED)
    def on_changed(self, session: Session) -> None:
        """A client has changed its presence."""
        if self._presence.is_used:
            self._presence.changed(session)

    @on(events.ACCOUNT_PRESENCE, NOTING)
    def on_heard(self, traffic: Traffic) -> None:
        """An account hears of somebody."""
        if self._presence.is_used:
            self._presence.heard(traffic)


def _forwarded(stanza: Stanza) -> Stanza:
    """Give the message that is to be sent (5.3)."""
    privilege = stanza.child("privilege", NS)
    forwarded = privilege.child("forwarded", NS_FORWARD) if privilege is not None else None
    inner = _only(forwarded, "message") if forwarded is not None else None
    if inner is None:
        raise StanzaError("bad-request", "A privileged message holds one forwarded message")
    return inner


def _only(around: Element, name: str) -> Stanza | None:
    """Give the stanza inside *around*, the one thing there of its kind; None where it is not there.

    COMPAT(slixmpp 1.17): forwarded messages are in the namespace of the component's stream. IQs must not be (6.3).
    """
    namespaces = (CLIENT,) if name == "iq" else (CLIENT, COMPONENT)
    found = [child for child in around.elements() if child.ns in namespaces]
    if len(found) != 1 or found[0].name != name:
        return None
    return Stanza.from_element(_in_client(found[0]))


def _in_client(element: Element) -> Element:
    """Give a copy with all that is in the namespace of components in that of clients."""
    copy = Element(element.name, CLIENT if element.ns == COMPONENT else element.ns, element.attrs)
    todo = [(element, copy)]
    while todo:
        old, new = todo.pop()
        for child in old.children:
            if isinstance(child, str):
                new.children.append(child)
                continue
            inner = Element(child.name, CLIENT if child.ns == COMPONENT else child.ns, child.attrs)
            new.children.append(inner)
            todo.append((child, inner))
    return copy
