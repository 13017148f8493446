"""vCards of old and new clients are the same: XEP-0292 0.12.0, between the node ``urn:xmpp:vcard4`` and vcard-temp.

As with avatars (XEP-0398), only what everybody may see goes into the vCard that everybody may read; a vcard-temp that
is set is published. Photos are left to the avatars.
"""

from typing import Final

from xmppd.core.module import XEP, Module, on
from xmppd.core.waiting import spawn
from xmppd.services.profile.vcard4 import NS_4, merged, to_vcard4, to_vcard_temp
from xmppd.services.profile.vcards import VCARD_CHANGED, VCards
from xmppd.services.pubsub.changes import ITEMS_CHANGED, ItemsChanged
from xmppd.services.pubsub.items import NewItem, payload_of
from xmppd.services.pubsub.options import AccessModel
from xmppd.services.pubsub.personal import Personal
from xmppd.services.pubsub.publishing import Publishing
from xmppd.services.pubsub.reading import Reading
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID

NODE: Final = "urn:xmpp:vcard4"
ITEM: Final = "current"


class VCard4(Module):
    """Shows each kind of client the vCards of the other."""

    name = "vcard4"
    summary = "vCard4 Over XMPP"
    xep = XEP(292, "0.12.0")
    account_features = (NS_4,)
    requires = ("pep", "vcard")
    uses = (Personal, Publishing, Reading, VCards)

    def start(self) -> None:
        """Find the services."""
        services = self.api.services
        self._personal, self._vcards = services[Personal], services[VCards]
        self._publishing, self._reading = services[Publishing], services[Reading]

    @on(ITEMS_CHANGED)
    def on_items(self, changed: ItemsChanged) -> None:
        """A vCard 4 is published."""
        if changed.node == NODE and changed.published:
            spawn("a vCard for old clients", self._to_temp(changed.owner))

    async def _to_temp(self, owner: JID) -> None:
        await self.api.timers.wait()  # behind the result
        published = await self._published(owner)
        if published is None:
            return
        made = to_vcard_temp(published)

        def change(before: Element | None) -> Element | None:
            is_same = before is not None and to_vcard4(before) == to_vcard4(made)
            return None if is_same else merged(made, before)

        try:
            await self._vcards.change(owner, change)
        except StanzaError:
            return  # it is too large for a vCard of the old kind

    @on(VCARD_CHANGED)
    def on_vcard(self, owner: JID) -> None:
        """A vCard of the old kind was changed."""
        spawn("a vCard for new clients", self._to_node(owner))

    async def _to_node(self, owner: JID) -> None:
        await self.api.timers.wait()  # behind the result
        stored = await self._vcards.get(owner.bare)
        if stored is None:
            return
        made, before = to_vcard4(parse_element(stored)), await self._last(owner)
        if before is None and not made.children:
            return
        if before is not None and to_vcard_temp(before) == to_vcard_temp(made):
            return
        realm = self._personal.realm(owner)
        item = NewItem(ITEM, payload_of(merged(made, before)), NS_4)
        try:
            await self._publishing.publish(realm, owner, NODE, item)
        except StanzaError:
            return  # the node is configured so that it cannot be published there

    async def _published(self, owner: JID) -> Element | None:
        """Give the vCard that everybody may see."""
        try:
            node = await self._reading.find(self._personal.realm(owner), NODE)
        except StanzaError:
            return None
        return await self._last(owner) if node.options.access_model == AccessModel.OPEN else None

    async def _last(self, owner: JID) -> Element | None:
        try:
            entry = await self._reading.last(await self._reading.find(self._personal.realm(owner), NODE))
        except StanzaError:
            return None
        vcard = None if entry is None or not entry.stanza else parse_element(entry.stanza)
        return vcard if vcard is not None and (vcard.ns, vcard.name) == (NS_4, "vcard") else None
