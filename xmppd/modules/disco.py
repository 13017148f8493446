"""Service discovery: XEP-0030, of served domains and of accounts, with the forms of XEP-0128.

An account is shown to its owner and to those who may see its presence, whether it is online or not; to all others it
looks as if it did not exist (XEP-0030 8).
"""

from typing import Any

from twisted.internet.defer import Deferred

from xmppd.core.events import IQRequest
from xmppd.core.module import XEP, Module, iq
from xmppd.core.waiting import deferred
from xmppd.services.discovery.disco import (
    ACCOUNT_ITEMS,
    HOST_ITEMS,
    NODE_INFO,
    NODE_ITEMS,
    Info,
    Item,
    Items,
    account_info,
    host_info,
)
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError

NS_INFO = "http://jabber.org/protocol/disco#info"
NS_ITEMS = "http://jabber.org/protocol/disco#items"


class Disco(Module):
    """Answers disco#info and disco#items from what all modules declare."""

    name = "disco"
    summary = "Service Discovery"
    xep = (XEP(30, "2.5.0"), XEP(128, "1.0.1"))
    features = (NS_INFO, NS_ITEMS)
    account_features = (NS_INFO, NS_ITEMS)

    def start(self) -> None:
        """Find the service."""
        self._rosters = self.api.services[Rosters]

    @iq("get", NS_INFO, "query", to="host")
    def on_host_info(self, request: IQRequest) -> Any:
        """disco#info of a served domain (XEP-0030 3)."""
        node = request.payload.get("node") or ""
        if not node:
            return _info_element(host_info(request.host))
        return self._node_info(Info(request.host, request.target, request.sender, node))

    @iq("get", NS_INFO, "query", to="account")
    @deferred
    async def on_account_info(self, request: IQRequest) -> Any:
        """disco#info of an account; an error for strangers (XEP-0030 3, 8)."""
        if not await self._may_see(request):
            raise StanzaError("service-unavailable")
        node = request.payload.get("node") or ""
        if not node:
            return _info_element(account_info(request.host, request.target, request.sender))
        return await _waited(self._node_info(Info(request.host, request.target, request.sender, node)))

    @iq("get", NS_ITEMS, "query", to="host")
    def on_host_items(self, request: IQRequest) -> Any:
        """disco#items of a served domain (XEP-0030 4)."""
        return self._items(request, HOST_ITEMS)

    @iq("get", NS_ITEMS, "query", to="account")
    @deferred
    async def on_account_items(self, request: IQRequest) -> Any:
        """disco#items of an account; its connected resources for its owner, nothing for strangers (XEP-0030 4, 8)."""
        if not await self._may_see(request):
            node = request.payload.get("node") or ""
            return _items_element(Items(request.host, request.target, request.sender, node), True)
        return await _waited(self._items(request, ACCOUNT_ITEMS))

    def _items(self, request: IQRequest, hook: Any) -> Any:
        items = Items(request.host, request.target, request.sender, request.payload.get("node") or "")
        hooks = request.host.hooks
        if items.node:
            return _when(hooks.ask(NODE_ITEMS, items), lambda known: _items_element(items, known))
        if request.is_own:
            sessions = self.api.registry.resources(request.target.bare)
            items.items.extend(Item(session.full_jid) for session in sessions if session.full_jid is not None)
        return _when(hooks.notify(hook, items), lambda _: _items_element(items, True))

    def _node_info(self, info: Info) -> Any:
        return _when(info.host.hooks.ask(NODE_INFO, info), lambda known: _info_element(info, known))

    async def _may_see(self, request: IQRequest) -> bool:
        if request.is_own:
            return True
        roster = await self._rosters.load(request.target.bare)
        return roster.may_see_presence(request.sender.bare)


async def _waited(answer: Any) -> Any:
    return await answer if isinstance(answer, Deferred) else answer


def _when(answer: Any, finish: Any) -> Any:
    return answer.addCallback(finish) if isinstance(answer, Deferred) else finish(answer)


def _info_element(info: Info, is_known: Any = True) -> Element:
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


def _items_element(items: Items, is_known: Any) -> Element:
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
    return query
