"""A publish–subscribe service of its own: XEP-0060 1.26; ``[components."NAME"] module = "pubsub"``."""

from typing import Any, Literal

from xmppd.core.domains.door import Taken
from xmppd.core.events import IQRequest, Traffic
from xmppd.core.host import Identity
from xmppd.core.module import XEP, Options, iq, on
from xmppd.core.roles import Roles
from xmppd.core.service import Service
from xmppd.core.waiting import deferred
from xmppd.modules.pubsub.approval import FORM, decide
from xmppd.modules.pubsub.disco import NodeDisco
from xmppd.modules.pubsub.features import SERVICE_FEATURES
from xmppd.modules.pubsub.pending import GET_PENDING, Pending
from xmppd.modules.pubsub.requests import Requests
from xmppd.modules.pubsub.services import Answer, PubSubServices
from xmppd.services.discovery.commands import GATHERING, Menu
from xmppd.services.discovery.disco import HOST_ITEMS, NODE_INFO, NODE_ITEMS, Info, Items
from xmppd.services.pubsub.domain import DomainRealm, OperatorRealm
from xmppd.services.pubsub.items import NS, NS_OWNER
from xmppd.services.pubsub.owning import Owning
from xmppd.services.pubsub.publishing import Publishing
from xmppd.services.pubsub.reading import Reading
from xmppd.services.pubsub.subscribing import Subscribing


class PubSubOptions(Options):
    """``[modules.pubsub]``, or of one component ``[components."NAME".modules.pubsub]``."""

    create: Literal["anybody", "local", "members", "admins"] = "local"
    """Who may make nodes: the administrators, the accounts of this server too, or anybody."""


class PubSubService(Service):
    """Nodes at a domain of their own."""

    name = "pubsub"
    summary = "Publish-Subscribe"
    xep = XEP(60, "1.26.0", "without collections")
    identities = (Identity("pubsub", "service", "Publish-Subscribe"),)
    features = (*SERVICE_FEATURES, GET_PENDING)
    requires = ("disco",)
    uses = (Publishing, Reading, Owning, Subscribing, Roles)
    options = PubSubOptions
    opt: PubSubOptions

    def start(self) -> None:
        """Find the services, and open the door."""
        super().start()
        services = self.api.services
        self._owning = services[Owning]
        of_domain = self.api.host, self.api.registry, services[Roles], self.opt.create, self.api.now
        self._realm = DomainRealm(*of_domain)
        self.of_operators = OperatorRealm(*of_domain)
        """The same for ``xmppctl pubsub``."""
        parts = PubSubServices(
            services[Publishing], services[Reading], services[Owning], services[Subscribing]
        )
        self._requests = Requests(parts)
        self._disco = NodeDisco(services[Reading])
        self._pending = Pending(parts.subscribing, self._realm)

    def take(self, traffic: Traffic) -> Taken:
        """Take an owner's answer to who wants to subscribe (8.6)."""
        if traffic.stanza.name != "message" or FORM not in traffic.stanza.child_names:
            return False
        return decide(self._owning, self._realm, traffic) or False

    @iq("get", NS, "pubsub")
    @deferred
    async def on_get(self, request: IQRequest) -> Answer:
        """What somebody wants to know of nodes."""
        return await self._requests.answer(self._realm, request)

    @iq("set", NS, "pubsub")
    @deferred
    async def on_set(self, request: IQRequest) -> Answer:
        """What somebody does with them."""
        return await self._requests.answer(self._realm, request)

    @iq("get", NS_OWNER, "pubsub")
    @deferred
    async def on_owner_get(self, request: IQRequest) -> Answer:
        """What an owner wants to know."""
        return await self._requests.answer(self._realm, request)

    @iq("set", NS_OWNER, "pubsub")
    @deferred
    async def on_owner_set(self, request: IQRequest) -> Answer:
        """What an owner makes of them."""
        return await self._requests.answer(self._realm, request)

    @on(GATHERING)
    def on_commands(self, menu: Menu) -> None:
        """Owners may ask for requests (8.7)."""
        menu.commands.append(self._pending.command)

    @on(HOST_ITEMS)
    def on_items(self, items: Items) -> Any:
        """The nodes that the asker may know of (5.2)."""
        return self._disco.nodes(self._realm, items)

    @on(NODE_INFO)
    def on_node_info(self, info: Info) -> Any:
        """What a node is (5.3, 5.4)."""
        return None if info.sender is None else self._disco.info(self._realm, info)

    @on(NODE_ITEMS)
    def on_node_items(self, items: Items) -> Any:
        """The items of a node (5.5)."""
        return self._disco.items(self._realm, items)
