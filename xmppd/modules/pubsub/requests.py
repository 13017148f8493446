"""Requests about the nodes of a realm, by the element that they are: the same for services and for accounts."""

from collections.abc import Mapping

from xmppd.core.events import IQRequest
from xmppd.modules.pubsub.owner_requests import OwnerRequests
from xmppd.modules.pubsub.services import Answer, Handler, PubSubServices
from xmppd.modules.pubsub.subscriber_requests import SubscriberRequests
from xmppd.modules.pubsub.xml import (
    PUBLISH_OPTIONS,
    flag,
    form_in,
    item_ids,
    items_result,
    new_item,
    node_of,
    number,
    published_result,
)
from xmppd.services.pubsub.items import NS
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.refusals import refusal, unsupported
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.result_sets import NS as NS_SETS
from xmppd.stanza.result_sets import page_request_in


class Requests:
    """Answers requests in the namespaces of pubsub: what publishers and readers ask here, the rest beside this file."""

    def __init__(self, services: PubSubServices):
        self._publishing, self._reading = services.publishing, services.reading
        owners, subscribers = OwnerRequests(services), SubscriberRequests(services)
        self._handlers: Mapping[tuple[str, str, str], Handler] = {
            (NS, "set", "publish"): self._publish,
            (NS, "set", "retract"): self._retract,
            (NS, "get", "items"): self._items,
            **owners.handlers,
            **subscribers.handlers,
        }

    async def answer(self, realm: Realm, request: IQRequest) -> Answer:
        """Give the payload of the result; `StanzaError`."""
        pubsub, type = request.payload, request.stanza.type or ""
        for child in pubsub.elements():
            handler = self._handlers.get((child.ns, type, child.name))
            if handler is not None and child.ns == pubsub.ns:
                return await handler(realm, request, child)
        first = next(pubsub.elements(), None)
        raise StanzaError("bad-request") if first is None else unsupported(first.name)

    async def _publish(self, realm: Realm, request: IQRequest, publish: Element) -> Answer:
        """XEP-0060 7.1."""
        options = form_in(request.payload.child("publish-options"), PUBLISH_OPTIONS)
        node = node_of(publish)
        id = await self._publishing.publish(realm, request.sender, node, new_item(publish), options)
        return published_result(node, id)

    async def _retract(self, realm: Realm, request: IQRequest, retract: Element) -> Answer:
        """XEP-0060 7.2."""
        ids = item_ids(retract)
        if not ids:
            raise refusal("item-required")
        await self._publishing.retract(realm, request.sender, node_of(retract), ids, flag(retract, "notify"))
        return None

    async def _items(self, realm: Realm, request: IQRequest, items: Element) -> Answer:
        """XEP-0060 6.5."""
        ids, most, node = item_ids(items), number(items, "max_items"), node_of(items)
        if ids:
            return items_result(await self._reading.items(realm, request.sender, node, ids), is_paged=False)
        if most is not None:
            page = await self._reading.newest(realm, request.sender, node, most)
            return items_result(page, is_paged=False)
        try:
            asked = page_request_in(request.payload)
        except ValueError as error:
            raise StanzaError("bad-request", str(error)) from error
        page = await self._reading.page(realm, request.sender, node, asked)
        is_asked = request.payload.child("set", NS_SETS) is not None
        return items_result(page, is_paged=is_asked or not page.is_whole)
