"""Service discovery: XEP-0030, of served domains, accounts and addresses at services, with the forms of XEP-0128.

What a domain is, its modules say. An account is shown to its owner and to those who may see its presence, whether it
is online or not; to all others it looks as if it did not exist (XEP-0030 8). Nodes
answer for themselves, and hear who asks.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred

from xmppd.config.kinds import INSIDE
from xmppd.core.domains.strangers import refused
from xmppd.core.events import IQRequest
from xmppd.core.hooks import Hook
from xmppd.core.module import XEP, Module, iq
from xmppd.core.waiting import deferred, waited
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.discovery.disco import (
    ACCOUNT_ITEMS,
    ADDRESS_INFO,
    ADDRESS_ITEMS,
    HOST_ITEMS,
    NODE_INFO,
    NODE_ITEMS,
    HostedServices,
    Info,
    Item,
    Items,
    account_info,
    host_info,
)
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.result_sets import page_request_in

NS_INFO = "http://jabber.org/protocol/disco#info"
NS_ITEMS = "http://jabber.org/protocol/disco#items"


class Disco(Module):
    """Answers disco#info and disco#items from what all modules declare."""

    name = "disco"
    summary = "Service Discovery"
    xep = (XEP(30, "2.5.0"), XEP(128, "1.0.1"))
    for_hosts = INSIDE
    features = (NS_INFO, NS_ITEMS)
    account_features = (NS_INFO, NS_ITEMS)
    uses = (Accounts, Rosters, HostedServices)

    def start(self) -> None:
        """Find the services."""
        services = self.api.services
        self._accounts, self._rosters, self._hosted = (
            services[Accounts],
            services[Rosters],
            services[HostedServices],
        )

    @iq("get", NS_INFO, "query", to="host")
    def on_host_info(self, request: IQRequest) -> object:
        """disco#info of a served domain (XEP-0030 3)."""
        if _node(request):
            return self._info(NODE_INFO, request)
        return _info_element(host_info(request.host))

    @iq("get", NS_INFO, "query", to="node")
    def on_address_info(self, request: IQRequest) -> object:
        """disco#info of an address at a service."""
        return self._info(NODE_INFO if _node(request) else ADDRESS_INFO, request)

    @iq("get", NS_ITEMS, "query", to="host")
    def on_host_items(self, request: IQRequest) -> object:
        """disco#items of a served domain (XEP-0030 4): what its modules add, and the services that a host shows."""
        if _node(request):
            return self._items(NODE_ITEMS, request)
        items = _items_of(request)
        items.items.extend(self._hosted.of(request.host))
        return _when(request.host.hooks.notify(HOST_ITEMS, items), lambda _: _items_element(items))

    @iq("get", NS_ITEMS, "query", to="node")
    def on_address_items(self, request: IQRequest) -> object:
        """disco#items of an address at a service."""
        return self._items(NODE_ITEMS if _node(request) else ADDRESS_ITEMS, request)

    @iq("get", NS_INFO, "query", to="account")
    @deferred
    async def on_account_info(self, request: IQRequest) -> Element:
        """disco#info of an account; an error for strangers, unless a node lets them see it (XEP-0030 3, 8)."""
        may_see = await self._may_see(request)
        if not _node(request):
            if not may_see:
                raise refused()
            return _info_element(account_info(request.host, request.target, request.sender))
        info = _info_of(request, may_see)
        if await waited(request.host.hooks.ask(NODE_INFO, info)):
            return _info_element(info)
        raise StanzaError("item-not-found") if may_see else refused()

    @iq("get", NS_ITEMS, "query", to="account")
    @deferred
    async def on_account_items(self, request: IQRequest) -> Element:
        """disco#items of an account; its connected resources for its owner, nothing for strangers (XEP-0030 4, 8)."""
        items = _items_of(request, await self._may_see(request))
        hooks = request.host.hooks
        if items.node:
            if await waited(hooks.ask(NODE_ITEMS, items)):
                return _items_element(items)
            return _items_element(_items_of(request), not items.may_see_presence)
        if request.is_own:
            sessions = self.api.registry.resources(request.target.bare)
            items.items.extend(Item(session.full_jid) for session in sessions if session.full_jid is not None)
        if items.may_see_presence:
            await waited(hooks.notify(ACCOUNT_ITEMS, items))
        return _items_element(items)

    def _info(self, hook: Hook[Info], request: IQRequest) -> Element | Deferred[Element]:
        info = _info_of(request)
        return _when(request.host.hooks.ask(hook, info), lambda is_known: _info_element(info, is_known))

    def _items(self, hook: Hook[Items], request: IQRequest) -> Element | Deferred[Element]:
        items = _items_of(request)
        return _when(request.host.hooks.ask(hook, items), lambda is_known: _items_element(items, is_known))

    async def _may_see(self, request: IQRequest) -> bool:
        if request.is_own:
            return True
        if not self._accounts.exists(request.target.bare):
            return False  # nobody's roster is loaded for it, and it looks as an account does to a stranger
        roster = await self._rosters.load(request.target.bare)
        return roster.may_see_presence(request.sender.bare)


def _node(request: IQRequest) -> str:
    return request.payload.get("node") or ""


def _info_of(request: IQRequest, may_see_presence: bool = True) -> Info:
    return Info(request.host, request.target, request.sender, _node(request), may_see_presence)


def _items_of(request: IQRequest, may_see_presence: bool = True) -> Items:
    try:
        page = page_request_in(request.payload)
    except ValueError as error:
        raise StanzaError("bad-request", str(error)) from error
    return Items(request.host, request.target, request.sender, _node(request), may_see_presence, page)


def _when(answer: object, finish: Callable[[object], Element]) -> Element | Deferred[Element]:
    return answer.addCallback(finish) if isinstance(answer, Deferred) else finish(answer)


def _info_element(info: Info, is_known: object = True) -> Element:
    if not is_known:
        raise StanzaError("item-not-found")
    query = Element("query", NS_INFO, {"node": info.node} if info.node else None)
    for identity in info.identities:
        attrs = {"category": identity.category, "type": identity.type}
        if identity.name:
            attrs["name"] = identity.name
        if identity.lang:
            attrs["xml:lang"] = identity.lang
        query.children.append(Element("identity", NS_INFO, attrs))
    query.children.extend(Element("feature", NS_INFO, {"var": feature}) for feature in sorted(info.features))
    query.children.extend(info.forms)
    return query


def _items_element(items: Items, is_known: object = True) -> Element:
    if not is_known:
        raise StanzaError("item-not-found")
    query = Element("query", NS_ITEMS, {"node": items.node} if items.node else None)
    for item in items.items:
        attrs = {"jid": item.jid}
        if item.node:
            attrs["node"] = item.node
        if item.name:
            attrs["name"] = item.name
        query.children.append(Element("item", NS_ITEMS, attrs))
    if items.page_given is not None:
        query.children.append(items.page_given)
    return query
