"""Nodes in disco: XEP-0060 5.2 to 5.5. Who may not know of a node sees that there is none."""

from typing import Final

from xmppd.core.host import Identity
from xmppd.core.waiting import deferred
from xmppd.services.discovery.disco import Info, Item, Items
from xmppd.services.pubsub.access import is_listed_for, may_get
from xmppd.services.pubsub.items import NS
from xmppd.services.pubsub.node import Affiliation, Node, SubscriptionState
from xmppd.services.pubsub.options import PREFIX, written
from xmppd.services.pubsub.reading import PAGE, Reading
from xmppd.services.pubsub.realm import Realm
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import stamp_of

META_DATA: Final = "http://jabber.org/protocol/pubsub#meta-data"
LEAF: Final = Identity("pubsub", "leaf")
SHOWN: Final = frozenset(
    (
        "title",
        "description",
        "language",
        "type",
        "contact",
        "access_model",
        "publish_model",
        "max_items",
    )
)
"""The options that everybody who may know of a node sees; 16.4.3."""


class NodeDisco:
    """Shows nodes."""

    def __init__(self, reading: Reading):
        self._reading = reading

    @deferred
    async def nodes(self, realm: Realm, items: Items) -> None:
        """Add the nodes of a realm that the asker may know of (5.2)."""
        for node in await self._reading.nodes(realm, items.sender):
            items.items.append(Item(realm.jid, node.name, node.options.title))

    @deferred
    async def info(self, realm: Realm, info: Info) -> bool | None:
        """Say what a node is, with its meta-data (5.3, 5.4); None where there is none to the asker's knowledge."""
        node = await self._listed(realm, info.node, info.sender)
        if node is None:
            return None
        info.identities.append(Identity(LEAF.category, LEAF.type, node.options.title))
        info.features.add(NS)
        info.forms.append(await self._meta_data(node))
        return True

    @deferred
    async def items(self, realm: Realm, items: Items) -> bool | None:
        """Add the items of a node, where the asker may get them (5.5)."""
        node = await self._listed(realm, items.node, items.sender)
        if node is None:
            return None
        if may_get(node, await self._reading.viewer(realm, node, items.sender)) is None:
            page = await self._reading.newest(realm, items.sender, items.node, PAGE)
            items.items.extend(Item(realm.jid, name=entry.id) for entry in page.entries)
        return True

    async def _listed(self, realm: Realm, name: str, who: JID | None) -> Node | None:
        try:
            node = await self._reading.find(realm, name)
        except StanzaError:
            return None
        if who is None or is_listed_for(node, await self._reading.viewer(realm, node, who)) is not None:
            return None
        return node

    async def _meta_data(self, node: Node) -> Element:
        people = await self._reading.people(node)
        subscribed = SubscriptionState.SUBSCRIBED
        by_rank = {
            rank: [jid for jid, each in people.affiliations.items() if each is rank]
            for rank in (Affiliation.OWNER, Affiliation.PUBLISHER)
        }
        number = sum(each.state is subscribed for each in people.subscriptions.values())
        told: list[tuple[str, str, list[str]]] = [
            ("creation_date", "text-single", [stamp_of(node.record.created_at)]),
            ("creator", "jid-single", [node.record.creator]),
            ("owner", "jid-multi", by_rank[Affiliation.OWNER] or [node.record.creator]),
            ("publisher", "jid-multi", by_rank[Affiliation.PUBLISHER]),
            ("num_subscribers", "text-single", [str(number)]),
        ]
        shown = [
            forms.field(PREFIX + option.name, option.kind.form_type, values, label=option.label)
            for option, values in written(node.options)
            if option.name in SHOWN and values
        ]
        more = [forms.field(PREFIX + name, type, values) for name, type, values in told if values]
        return forms.form("result", META_DATA, [*shown, *more])
