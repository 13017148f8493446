"""Requests of owners: XEP-0060 8."""

from xmppd.core.events import IQRequest
from xmppd.modules.pubsub.services import Answer, Handlers, PubSubServices
from xmppd.modules.pubsub.xml import form_in, jid_of, node_of, pubsub
from xmppd.services.pubsub.items import NS, NS_OWNER
from xmppd.services.pubsub.node import Affiliation, SubscriptionState
from xmppd.services.pubsub.owning import NODE_CONFIG, SubscriptionChange, configuration_form
from xmppd.services.pubsub.people import subscription_element
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.refusals import refusal
from xmppd.stanza import forms
from xmppd.stanza.element import Element, escape_attr
from xmppd.stanza.errors import StanzaError


class OwnerRequests:
    """Answers what owners ask."""

    def __init__(self, services: PubSubServices):
        self._owning, self._publishing = services.owning, services.publishing
        self.handlers: Handlers = {
            (NS, "set", "create"): self._create,
            (NS_OWNER, "get", "configure"): self._configuration,
            (NS_OWNER, "set", "configure"): self._configure,
            (NS_OWNER, "get", "default"): self._default,
            (NS_OWNER, "set", "delete"): self._delete,
            (NS_OWNER, "set", "purge"): self._purge,
            (NS_OWNER, "get", "affiliations"): self._affiliations,
            (NS_OWNER, "set", "affiliations"): self._affiliate,
            (NS_OWNER, "get", "subscriptions"): self._subscriptions,
            (NS_OWNER, "set", "subscriptions"): self._set_subscriptions,
        }

    async def _create(self, realm: Realm, request: IQRequest, create: Element) -> Answer:
        """8.1; without a name the service makes one, and says it (8.1.1)."""
        form, name = form_in(request.payload.child("configure"), NODE_CONFIG), node_of(create)
        made = await self._owning.create(realm, request.sender, name, form)
        return None if name else pubsub(Element("create", NS, {"node": made}))

    async def _configuration(self, realm: Realm, request: IQRequest, configure: Element) -> Answer:
        """8.2.2."""
        name = node_of(configure)
        options = await self._owning.configuration(realm, request.sender, name)
        return _around("configure", name, configuration_form(options, realm, "form"))

    async def _configure(self, realm: Realm, request: IQRequest, configure: Element) -> Answer:
        """8.2.4; a form that is cancelled changes nothing."""
        form = configure.child("x", forms.NS)
        if form is not None and form.get("type") == "cancel":
            return None
        submitted = form_in(configure, NODE_CONFIG)
        if submitted is None:
            raise StanzaError("bad-request", "A form is needed")
        await self._owning.configure(realm, request.sender, node_of(configure), submitted)
        return None

    async def _default(self, realm: Realm, request: IQRequest, default: Element) -> Answer:
        """8.3."""
        return _around("default", "", configuration_form(realm.defaults(""), realm, "form"))

    async def _delete(self, realm: Realm, request: IQRequest, delete: Element) -> Answer:
        """8.4."""
        redirect = delete.child("redirect")
        uri = "" if redirect is None else redirect.get("uri") or ""
        await self._owning.delete(realm, request.sender, node_of(delete), uri)
        return None

    async def _purge(self, realm: Realm, request: IQRequest, purge: Element) -> Answer:
        """8.5."""
        await self._publishing.purge(realm, request.sender, node_of(purge))
        return None

    async def _affiliations(self, realm: Realm, request: IQRequest, asked: Element) -> Answer:
        """8.9.1."""
        name = node_of(asked)
        found = await self._owning.affiliations(realm, request.sender, name)
        listed = [
            Element("affiliation", NS_OWNER, {"jid": jid, "affiliation": each.value})
            for jid, each in found.items()
        ]
        return pubsub(Element("affiliations", NS_OWNER, {"node": name}, listed), ns=NS_OWNER)

    async def _affiliate(self, realm: Realm, request: IQRequest, affiliations: Element) -> Answer:
        """8.9.2."""
        wanted = {}
        for child in affiliations.elements():
            try:
                wanted[jid_of(child).bare] = Affiliation(child.get("affiliation") or "")
            except ValueError:
                raise StanzaError("not-acceptable", "There is no such affiliation") from None
        await self._owning.affiliate(realm, request.sender, node_of(affiliations), wanted)
        return None

    async def _subscriptions(self, realm: Realm, request: IQRequest, asked: Element) -> Answer:
        """8.8.1."""
        name = node_of(asked)
        node = await self._owning.find(realm, name)
        found = await self._owning.subscriptions(realm, request.sender, name)
        listed = [
            subscription_element(node, jid, each, NS_OWNER, with_node=False) for jid, each in found.items()
        ]
        return pubsub(Element("subscriptions", NS_OWNER, {"node": name}, listed), ns=NS_OWNER)

    async def _set_subscriptions(self, realm: Realm, request: IQRequest, asked: Element) -> Answer:
        """8.8.2."""
        wanted = []
        for child in asked.elements():
            try:
                state = SubscriptionState(child.get("subscription") or "")
            except ValueError:
                raise StanzaError("not-acceptable", "There is no such state of a subscription") from None
            wanted.append(SubscriptionChange(jid_of(child), state))
        if not wanted:
            raise refusal("jid-required")
        await self._owning.set_subscriptions(realm, request.sender, node_of(asked), wanted)
        return None


def _around(name: str, node: str, form: bytes) -> bytes:
    attr = f" node='{escape_attr(node)}'" if node else ""
    return f"<pubsub xmlns='{NS_OWNER}'><{name}{attr}>".encode() + form + f"</{name}></pubsub>".encode()
