"""Personal eventing: XEP-0163 1.2.2, on every account of a host, over the nodes of XEP-0060 1.26.

What nodes are and who may see them is in `xmppd.services.pubsub`.
"""

from typing import Any

from twisted.internet.defer import Deferred

from xmppd.core.domains.strangers import refused
from xmppd.core.events import ACCOUNT_PRESENCE, ACCOUNT_STANZA, IQRequest, Traffic
from xmppd.core.host import Identity
from xmppd.core.module import XEP, Module, iq, on
from xmppd.core.session import Session
from xmppd.core.stations import ACTING, NOTING
from xmppd.core.waiting import deferred
from xmppd.modules.pubsub.approval import FORM, decide
from xmppd.modules.pubsub.disco import NodeDisco
from xmppd.modules.pubsub.features import PERSONAL_FEATURES
from xmppd.modules.pubsub.requests import Requests
from xmppd.modules.pubsub.services import Answer, PubSubServices
from xmppd.services.discovery.capabilities import CAPABILITIES_KNOWN, NS_CAPS, announced
from xmppd.services.discovery.disco import (
    ACCOUNT_INFO,
    ACCOUNT_ITEMS,
    NODE_INFO,
    NODE_ITEMS,
    Info,
    Items,
)
from xmppd.services.presence.presence import BECAME_AVAILABLE
from xmppd.services.pubsub.items import NS, NS_OWNER
from xmppd.services.pubsub.last_items import LastItems
from xmppd.services.pubsub.owning import Owning
from xmppd.services.pubsub.personal import Personal, PersonalRealm
from xmppd.services.pubsub.publishing import Publishing
from xmppd.services.pubsub.reading import Reading
from xmppd.services.pubsub.remote import RemoteContacts
from xmppd.services.pubsub.subscribing import Subscribing
from xmppd.services.roster.roster import SUBSCRIBED_TO_US, Granted
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID

PEP = Identity("pubsub", "pep")


class PersonalEventing(Module):
    """Gives every account nodes of its own."""

    name = "pep"
    summary = "Personal Eventing Protocol"
    xep = (XEP(163, "1.2.2"), XEP(60, "1.26.0", "without collections"))
    requires = ("disco", "client_caps")
    uses = (Personal, RemoteContacts, LastItems, Publishing, Reading, Owning, Subscribing)

    def start(self) -> None:
        """Find the services."""
        services = self.api.services
        self._personal, self._last = services[Personal], services[LastItems]
        self._owning, self._remote = services[Owning], services[RemoteContacts]
        parts = PubSubServices(
            services[Publishing], services[Reading], services[Owning], services[Subscribing]
        )
        self._requests = Requests(parts)
        self._reading = parts.reading
        self._disco = NodeDisco(parts.reading)

    @iq("get", NS, "pubsub", to="account")
    @deferred
    async def on_get(self, request: IQRequest) -> Answer:
        """What somebody wants to know of an account's nodes."""
        return await self._answer(request)

    @iq("set", NS, "pubsub", to="account")
    @deferred
    async def on_set(self, request: IQRequest) -> Answer:
        """What somebody, mostly the account itself, does with them."""
        return await self._answer(request)

    @iq("get", NS_OWNER, "pubsub", to="account")
    @deferred
    async def on_owner_get(self, request: IQRequest) -> Answer:
        """What the account wants to know of its nodes."""
        return await self._answer(request)

    @iq("set", NS_OWNER, "pubsub", to="account")
    @deferred
    async def on_owner_set(self, request: IQRequest) -> Answer:
        """What it makes of them."""
        return await self._answer(request)

    @on(ACCOUNT_STANZA, ACTING)
    def on_message(self, traffic: Traffic) -> Deferred[bool] | None:
        """The owner approves of a subscription, or does not (XEP-0060 8.6)."""
        if FORM not in traffic.stanza.child_names or traffic.target.resourcepart is not None:
            return None
        realm = self._personal.realm(traffic.target)
        return decide(self._owning, realm, traffic) if realm.is_owner(traffic.sender) else None

    async def _answer(self, request: IQRequest) -> Answer:
        realm = self._personal.realm(request.target)
        if realm.is_owner(request.sender) and realm.is_there():
            for child in request.payload.elements():
                await realm.wanted(child.get("node") or "")
        try:
            return await self._requests.answer(realm, request)
        except StanzaError:
            if await self._personal.is_stranger(realm, request.sender) and not await self._is_there(
                realm, request
            ):
                raise refused() from None
            raise

    async def _is_there(self, realm: PersonalRealm, request: IQRequest) -> bool:
        """Whether the request is about a node that there is: only then strangers hear what XEP-0060 has for it."""
        for child in request.payload.elements():
            try:
                await self._reading.find(realm, child.get("node") or "")
            except StanzaError:
                continue
            return True
        return False

    # -- the item published last --------------------------------------------------------------------------------------

    @on(BECAME_AVAILABLE, NOTING)
    def on_available(self, session: Session) -> None:
        """A client has come; where it is known what it wants, it is sent that (XEP-0163 4.3.4)."""
        self._last.came(session)

    @on(CAPABILITIES_KNOWN)
    def on_capabilities(self, session: Session) -> None:
        """It is known now what a client wants."""
        self._last.learnt(session)

    @on(SUBSCRIBED_TO_US)
    def on_granted(self, granted: Granted) -> None:
        """A contact may see an account's presence from now on."""
        self._last.granted(granted.owner, granted.contact)

    @on(ACCOUNT_PRESENCE, NOTING)
    def on_presence(self, traffic: Traffic) -> None:
        """A contact on another server comes, says what its client can do, or leaves."""
        stanza, who = traffic.stanza, traffic.sender
        if who.resourcepart is None or self.api.router.is_here(who.bare):
            return
        if stanza.type == "unavailable":
            self._remote.left(traffic.target.bare, who)
        elif stanza.type is None and stanza.has("c", NS_CAPS):
            caps = announced(stanza)
            if caps is not None and self._personal.realm(traffic.target).is_there():
                self._remote.came(traffic.target.bare, who, caps)

    # -- disco --------------------------------------------------------------------------------------------------------

    @on(ACCOUNT_INFO)
    def on_info(self, info: Info) -> None:
        """An account is a pubsub service (XEP-0163 6.1); a client without an account has none."""
        if self._personal.realm(info.target).is_there():
            info.identities.append(PEP)
            info.features.update(PERSONAL_FEATURES)

    @on(ACCOUNT_ITEMS)
    def on_items(self, items: Items) -> Any:
        """The nodes that the asker may see (XEP-0060 5.2)."""
        return self._disco.nodes(self._personal.realm(items.target), items)

    @on(NODE_INFO)
    def on_node_info(self, info: Info) -> Any:
        """What a node is (XEP-0060 5.3, 5.4)."""
        if info.target.localpart is None or info.sender is None:
            return None
        return self._disco.info(self._personal.realm(JID.of_prepared(info.target.bare)), info)

    @on(NODE_ITEMS)
    def on_node_items(self, items: Items) -> Any:
        """The items of a node (XEP-0060 5.5)."""
        if items.target.localpart is None:
            return None
        return self._disco.items(self._personal.realm(JID.of_prepared(items.target.bare)), items)
