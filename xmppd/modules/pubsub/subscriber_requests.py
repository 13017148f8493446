"""Requests of subscribers: XEP-0060 6.1 to 6.4, 5.6, 5.7."""

from xmppd.core.events import IQRequest
from xmppd.modules.pubsub.services import Answer, Handlers, PubSubServices
from xmppd.modules.pubsub.xml import form_in, jid_of, node_of, pubsub
from xmppd.services.pubsub.items import NS
from xmppd.services.pubsub.people import subscription_element
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.subscribing import OPTIONS, options_form
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError


class SubscriberRequests:
    """Answers what subscribers ask."""

    def __init__(self, services: PubSubServices):
        self._subscribing = services.subscribing
        self.handlers: Handlers = {
            (NS, "set", "subscribe"): self._subscribe,
            (NS, "set", "unsubscribe"): self._unsubscribe,
            (NS, "get", "options"): self._options,
            (NS, "set", "options"): self._set_options,
            (NS, "get", "default"): self._default,
            (NS, "get", "subscriptions"): self._subscriptions,
            (NS, "get", "affiliations"): self._affiliations,
        }

    async def _subscribe(self, realm: Realm, request: IQRequest, subscribe: Element) -> Answer:
        """6.1, and with options 6.3.7."""
        form = form_in(request.payload.child("options"), OPTIONS)
        made = await self._subscribing.subscribe(
            realm, request.sender, node_of(subscribe), jid_of(subscribe), form
        )
        return pubsub(subscription_element(made.node, made.jid, made.subscription))

    async def _unsubscribe(self, realm: Realm, request: IQRequest, unsubscribe: Element) -> Answer:
        """6.2."""
        await self._subscribing.unsubscribe(
            realm, request.sender, node_of(unsubscribe), jid_of(unsubscribe), unsubscribe.get("subid")
        )
        return None

    async def _options(self, realm: Realm, request: IQRequest, options: Element) -> Answer:
        """6.3.3."""
        jid, name = jid_of(options), node_of(options)
        found = await self._subscribing.options(realm, request.sender, name, jid, options.get("subid"))
        attrs = {"node": name, "jid": jid.full, "subid": found.subscription.subid}
        return pubsub(Element("options", NS, attrs, [options_form(found.subscription)]))

    async def _set_options(self, realm: Realm, request: IQRequest, options: Element) -> Answer:
        """6.3.5."""
        form = form_in(options, OPTIONS)
        if form is None:
            raise StanzaError("bad-request", "A form is needed")
        await self._subscribing.set_options(
            realm, request.sender, node_of(options), jid_of(options), options.get("subid"), form
        )
        return None

    async def _default(self, realm: Realm, request: IQRequest, default: Element) -> Answer:
        """6.4."""
        attrs = {"node": node_of(default)} if node_of(default) else None
        return pubsub(Element("default", NS, attrs, [options_form(None)]))

    async def _subscriptions(self, realm: Realm, request: IQRequest, asked: Element) -> Answer:
        """5.6."""
        name = node_of(asked)
        found = await self._subscribing.of(realm, request.sender, name)
        listed = [subscription_element(each.node, each.jid, each.subscription) for each in found]
        return pubsub(Element("subscriptions", NS, {"node": name} if name else None, listed))

    async def _affiliations(self, realm: Realm, request: IQRequest, asked: Element) -> Answer:
        """5.7."""
        name = node_of(asked)
        found = await self._subscribing.affiliations_of(realm, request.sender, name)
        listed = [
            Element("affiliation", NS, {"node": node.name, "affiliation": each.value}) for node, each in found
        ]
        return pubsub(Element("affiliations", NS, {"node": name} if name else None, listed))
