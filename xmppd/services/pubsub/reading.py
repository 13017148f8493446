"""Getting items: XEP-0060 6.5, by ids, the newest so many, or in pages (XEP-0059)."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from xmppd.core.waiting import deferred
from xmppd.services.pubsub.access import is_listed_for, may_get
from xmppd.services.pubsub.node import Node
from xmppd.services.pubsub.nodes import ITEMS
from xmppd.services.pubsub.operations import Operations, allow
from xmppd.services.pubsub.realm import Realm
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.result_sets import PageRequest
from xmppd.storage.interface import MAX_PAGE, Entry, Selection, UnknownEntry, part_of

PAGE: Final = 500
"""Items in an answer at most: more are had page by page."""
LISTED: Final = 1_000
"""Nodes that are shown in disco at most."""
PAGE_BYTES: Final = 192 * 1024
"""What an answer holds at most, unless one item has more: a stanza has its bounds on all servers on its way."""


class Page(NamedTuple):
    """Items in the order in which they are shown, and how many there are in all where they are a page of them."""

    node: Node
    entries: Sequence[Entry]
    is_whole: bool
    """Whether these are all that there are."""
    total: int = 0


class Reading(Operations):
    """What readers do."""

    @deferred
    async def items(self, realm: Realm, who: JID, name: str, ids: Sequence[str]) -> Page:
        """Give the items with these ids, in this order; those that are there (6.5.8)."""
        node = await self._open(realm, who, name)
        found = await self._storage.read_ids(ITEMS, part_of(realm.jid, name), ids[:MAX_PAGE], is_fresh=True)
        by_id = {entry.id: entry for entry in found if not self._is_over(node, entry)}
        entries = [by_id[id] for id in dict.fromkeys(ids) if id in by_id]
        if not entries:
            raise StanzaError("item-not-found", "There is no such item")
        return Page(node, entries, True)

    @deferred
    async def newest(self, realm: Realm, who: JID, name: str, number: int) -> Page:
        """Give the newest so many items, the newest first (6.5.7)."""
        node = await self._open(realm, who, name)
        if number < 1:
            return Page(node, (), True)
        selection = self._selection(node)
        entries = await self._storage.read(
            ITEMS, part_of(realm.jid, name), selection, limit=min(number, PAGE), reverse=True, is_fresh=True
        )
        return Page(node, _bounded(entries), True)

    @deferred
    async def page(self, realm: Realm, who: JID, name: str, asked: PageRequest) -> Page:
        """Give a page of the items, from the oldest on; item-not-found for an id that is not there (6.5.3, 6.5.4)."""
        node = await self._open(realm, who, name)
        if asked == PageRequest():
            asked = PageRequest(before="")  # all, and where that is too much the newest (6.5.4)
        part = part_of(realm.jid, name)
        selection = self._selection(node)._replace(after_id=asked.after, before_id=asked.before or None)
        count = await self._count(node)
        if asked.max == 0:
            return Page(node, (), False, count)
        try:
            entries = await self._storage.read(
                ITEMS,
                part,
                selection,
                limit=min(asked.max or PAGE, PAGE),
                reverse=asked.before is not None,
                is_fresh=True,
            )
        except UnknownEntry as error:
            raise StanzaError("item-not-found", "There is no such item") from error
        entries = _bounded(entries)
        if asked.before is not None:
            entries.reverse()
        return Page(node, entries, len(entries) == count, count)

    async def nodes(self, realm: Realm, who: JID) -> list[Node]:
        """Give the nodes that *who* may know of, by name; of a service no more than `LISTED` are looked at."""
        if not realm.is_there():
            return []
        found = []
        for node in await self._nodes.all_of(realm.jid, realm.is_personal, LISTED):
            if is_listed_for(node, await self.viewer(realm, node, who)) is None:
                found.append(node)
        return found

    def may_have_nodes(self, owner: str) -> bool:
        """Whether *owner* has nodes, as far as that is known at once: for most accounts that have none, no."""
        return self._nodes.may_have(owner)

    async def last(self, node: Node) -> Entry | None:
        """Give the item published last, unless it is over; whether somebody may have it is for who asks. Waits."""
        last = await self._nodes.last(node)
        return None if last is None or self._is_over(node, last) else last

    async def _open(self, realm: Realm, who: JID, name: str) -> Node:
        node = await self.find(realm, name)
        allow(may_get(node, await self.viewer(realm, node, who)))
        return node

    async def _count(self, node: Node) -> int:
        if node.options.item_expire is None:
            return await self._nodes.count_items(node)
        part = part_of(node.owner, node.name)
        return await self._storage.count(ITEMS, part, self._selection(node), is_fresh=True)

    def _selection(self, node: Node) -> Selection:
        expire = node.options.item_expire
        return Selection() if expire is None else Selection(start=self._now() - expire)

    def _is_over(self, node: Node, entry: Entry) -> bool:
        expire = node.options.item_expire
        return expire is not None and entry.sent_at < self._now() - expire


def _bounded(entries: list[Entry]) -> list[Entry]:
    """As many of the first of *entries* as fit into an answer, one at least."""
    size = 0
    for index, entry in enumerate(entries):
        size += len(entry.stanza) + len(entry.id)
        if size > PAGE_BYTES and index:
            return entries[:index]
    return entries
