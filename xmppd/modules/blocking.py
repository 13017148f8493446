"""Blocking command: XEP-0191. To those who are blocked the account looks offline.

The handlers that look at each stanza are there only while somebody blocks anybody.
"""

from collections.abc import Callable
from itertools import count
from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core import events
from xmppd.core.attachment import Attachment
from xmppd.core.events import IQRequest, Traffic, Unbound
from xmppd.core.fanout import Fanout
from xmppd.core.hooks import Hook
from xmppd.core.module import XEP, Module, iq, on
from xmppd.core.session import Session
from xmppd.core.stations import BLOCKING, NOTING
from xmppd.core.waiting import deferred
from xmppd.services.presence.blocking import BLOCKED, Blocked, Blocking, covers
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.stanza import Stanza

NS = "urn:xmpp:blocking"
NS_ERRORS = "urn:xmpp:blocking:errors"
ANSWERED = frozenset((None, "normal", "chat"))
"""Messages whose sender hears that they were not taken; an error to a room would make it remove its occupant."""
STATE: Final = Attachment[bool]("blocking")


class BlockingModule(Module):
    """Keeps block lists and acts on them."""

    name = "blocking"
    summary = "Blocking Command"
    xep = XEP(191, "1.3")
    features = (NS,)
    account_features = (NS,)
    uses = (Blocking,)

    def start(self) -> None:
        """Find the service; look at stanzas where anybody blocks."""
        self._blocking = self.api.services[Blocking]
        self._push_ids = count(1)
        self._is_looking = False
        self._blocking.watch(self._switch)
        self.at_end(lambda: self._look(False))
        self.at_end(lambda: self._blocking.unwatch(self._switch))
        self._switch()

    def _switch(self) -> None:
        self._look(self._blocking.is_used)

    def _look(self, wanted: bool) -> None:
        handlers: tuple[tuple[Hook[Traffic], Callable[[Traffic], object]], ...] = (
            (events.CLIENT_STANZA, self.on_client_stanza),
            (events.ACCOUNT_STANZA, self.on_account_stanza),
            (events.ACCOUNT_PRESENCE, self.on_account_presence),
        )
        hooks = self.api.host.hooks
        for hook, handler in handlers if wanted != self._is_looking else ():
            if wanted:
                hooks.add(hook, handler, BLOCKING, module=self.name, rank=self.rank)
            else:
                hooks.remove(hook, handler)
        self._is_looking = wanted

    # -- the list -----------------------------------------------------------------------------------------------------

    @iq("get", NS, "blocklist", to="own")
    def on_get(self, request: IQRequest) -> Element:
        """XEP-0191 3.2: the list; who asks for it hears of its changes."""
        if request.origin is not None:
            request.origin.attach(STATE, True)
        return _listed("blocklist", sorted(self._blocking.list_of(request.sender.bare)))

    @iq("set", NS, "block", to="own")
    @deferred
    async def on_block(self, request: IQRequest) -> None:
        """XEP-0191 3.3: block these too."""
        jids = _items(request.payload)
        if not jids:
            raise StanzaError("bad-request", "Nobody is named whom to block")
        await self._blocking.block(request.sender, jids)
        self._push(request, "block", jids)
        self.api.host.hooks.notify(BLOCKED, Blocked(request.sender, request.payload))

    @iq("set", NS, "unblock", to="own")
    @deferred
    async def on_unblock(self, request: IQRequest) -> None:
        """XEP-0191 3.4 and 3.5: block these no more; without items, nobody."""
        jids = _items(request.payload)
        await self._blocking.unblock(request.sender, jids or None)
        self._push(request, "unblock", jids)

    def _push(self, request: IQRequest, name: str, jids: list[JID]) -> None:
        """To all resources that have asked for the list, the one that changes it included."""
        change = _listed(name, [jid.full for jid in jids])
        push = Fanout(Stanza.make("iq", change, id=f"{name}-{next(self._push_ids)}", type="set"))
        for session in self.api.registry.resources(request.sender.bare):
            if session.attached(STATE):
                push.send(session, session.full_jid or "")

    @on(events.RESOURCE_BOUND)
    def on_bound(self, session: Session) -> Deferred[None] | None:
        """The list is there before the first stanza is."""
        return self._blocking.arrived(session)

    @on(events.RESOURCE_UNBOUND, NOTING)
    def on_unbound(self, unbound: Unbound) -> None:
        """The list of who is offline is not kept in memory."""
        self._blocking.left(unbound.session.bare_jid or "")

    # -- the effects --------------------------------------------------------------------------------------------------

    def on_client_stanza(self, traffic: Traffic) -> None:
        """XEP-0191 3.3: nothing leaves for a blocked JID, and the client hears of it."""
        sender, target = traffic.sender, traffic.target
        blocked = self._blocking.list_of(sender.bare)
        if blocked and target.bare not in (sender.bare, sender.domainpart) and covers(blocked, target):
            raise StanzaError("not-acceptable", type="cancel", extra=Element("blocked", NS_ERRORS))

    def on_account_stanza(self, traffic: Traffic) -> object:
        """XEP-0191 3.3: no message and no IQ comes from a blocked JID; the account looks offline."""
        return self._refused_if(self._is_blocked(traffic), traffic, _refuse)

    def on_account_presence(self, traffic: Traffic) -> object:
        """XEP-0191 3.3: presence of a blocked JID, subscriptions and probes too, is never answered."""
        return self._refused_if(self._is_blocked(traffic), traffic, _drop)

    def _is_blocked(self, traffic: Traffic) -> bool | Deferred[bool]:
        """One's own resources and one's own server are never blocked."""
        sender, target = traffic.sender, traffic.target
        if sender.bare == target.bare or sender.full == target.domainpart:
            return False
        return self._blocking.blocks(target.bare, sender)

    def _refused_if(
        self, is_blocked: bool | Deferred[bool], traffic: Traffic, refuse: Callable[[Traffic], bool]
    ) -> bool | Deferred[bool | None] | None:
        if isinstance(is_blocked, Deferred):
            return is_blocked.addCallback(lambda is_so: refuse(traffic) if is_so else None)
        return refuse(traffic) if is_blocked else None


def _refuse(traffic: Traffic) -> bool:
    stanza = traffic.stanza
    if stanza.type in (ANSWERED if stanza.name == "message" else ("get", "set")):
        raise StanzaError("service-unavailable")
    return True


def _drop(traffic: Traffic) -> bool:
    return True


def _items(command: Element) -> list[JID]:
    """Give the JIDs of a command's items; `StanzaError`."""
    jids = []
    for item in command.elements():
        if (item.ns, item.name) != (NS, "item") or not item.get("jid"):
            raise StanzaError("bad-request", "An item with a JID is needed")
        try:
            jids.append(JID.parse(item.get("jid") or ""))
        except InvalidJID as error:
            raise StanzaError("jid-malformed", str(error)) from error
    return jids


def _listed(name: str, jids: list[str]) -> Element:
    return Element(name, NS, children=[Element("item", NS, {"jid": jid}) for jid in jids])
