"""Publishing, retracting and purging: XEP-0060 7 and 8.5.

Rules that live here: a node that publishing makes is stored in one transaction with its first item; an item with the
id of another takes its place and is the newest; what there is too much of goes with the item that comes, which is told
where the node is so; the result leaves after the commit, and then those who may see the item are told, in the order of
the commits.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from xmppd.core.waiting import deferred
from xmppd.services.pubsub.access import may_change_others, may_publish
from xmppd.services.pubsub.changes import Along
from xmppd.services.pubsub.items import (
    NewItem,
    items_event,
    node_event,
    retracted,
)
from xmppd.services.pubsub.joint import Form, Joint, JointChanges, published_event
from xmppd.services.pubsub.node import ITEM_CHARS, Affiliation, Node
from xmppd.services.pubsub.nodes import ITEMS
from xmppd.services.pubsub.operations import allow, node_in
from xmppd.services.pubsub.options import NodeFull, NodeOptions
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.refusals import refusal
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import (
    MAX_PAGE,
    Append,
    Change,
    DeleteAll,
    DeleteEntries,
    Entry,
    NewEntry,
    Selection,
    part_of,
)

ARTICLES: Final = ("urn:xmpp:microblog:", "urn:xmpp:pubsub-social-feed:")
"""Types that say what a node is for (XEP-0277, XEP-0472), and not the namespace of its payloads."""


class Publishing(JointChanges):
    """What publishers do."""

    @deferred
    async def publish(
        self, realm: Realm, who: JID, name: str, item: NewItem | None, preconditions: Form | None = None
    ) -> str:
        """Publish *item*, making the node where that is allowed (7.1); gives the id of the item, "" without one.

        *preconditions* are the publish options (7.1.5): what a node that is made gets beside the defaults, and what
        one that is there must have.
        """
        async with self.exclusive(realm, name) as shelf:
            place = await self._place(realm, who, shelf.nodes.get(name), name, preconditions)
            node = place.node
            _check_item(item, node.options, realm)
            entry = None if item is None else self._entry(item, who)
            kept, count, gone = list[Change](), node.items, tuple[str, ...]()
            if entry is not None and node.options.persist_items:
                kept, count, gone = await self._kept(realm, node, entry, who, place.is_new)
            takers: Iterable[str] = await realm.audience(node, await self._nodes.people(node))
            takers = tuple(takers) if gone else takers
            along = Joint()
            if kept and entry is not None:
                along = await self._along(realm, who, shelf, name, (entry,), gone)
            await self._commit_with(realm, shelf, along, *place.changes, *kept)
            if place.is_new:
                shelf.nodes[name] = node
                self._nodes.keep(shelf, None if realm.is_personal else name)
            if kept and entry is not None:
                self._nodes.published(node, entry)
                node.items = count
            self._tell(realm, node, published_event(node, entry), takers)
            if gone:
                self._tell(realm, node, items_event(name, retracted(gone)), takers)
        if entry is not None:
            realm.changed(name, (entry,), gone)
        along.heard(realm)
        return entry.id if entry is not None else ""

    @deferred
    async def update(
        self, realm: Realm, who: JID, name: str, make: Callable[[], Awaitable[Along | None]]
    ) -> bool:
        """Change several nodes of an account, and whatever else, in one step; nodes that are not there are made.

        *make* says what, and is called while the node *name* and all others of the account are held; None: nothing.
        Gives whether there was anything. For conversions, which have seen to what the items are; *who* owns the nodes.
        """
        async with self.exclusive(realm, name) as shelf:
            along = await make()
            if along is None:
                return False
            joint = Joint([await self._ready(realm, who, shelf, part) for part in along.parts], along.changes)
            await self._commit_with(realm, shelf, joint)
        joint.heard(realm)
        return True

    @deferred
    async def retract(
        self, realm: Realm, who: JID, name: str, ids: Sequence[str], is_told: bool | None = None
    ) -> None:
        """Delete items (7.2); *is_told* says whether that is told, where the node leaves it open."""
        async with self.exclusive(realm, name) as shelf:
            node = node_in(shelf, name)
            viewer = await self.viewer(realm, node, who)
            entries = await self._storage.read_ids(ITEMS, part_of(realm.jid, name), ids, is_fresh=True)
            if not may_change_others(viewer):
                allow(may_publish(node, viewer))
                if any(entry.with_jid != who.bare for entry in entries):
                    raise StanzaError("forbidden", "Somebody else has published this item")
            if len({entry.id for entry in entries}) < len(set(ids)):
                raise StanzaError("item-not-found", "There is no such item")
            takers = await realm.audience(node, await self._nodes.people(node))
            along = await self._along(realm, who, shelf, name, (), tuple(ids))
            count = None if node.items is None else node.items - len(entries)
            changes = DeleteEntries(ITEMS, part_of(realm.jid, name), ids=tuple(ids))
            await self._commit_with(realm, shelf, along, changes)
            self._nodes.items_changed(node)
            node.items = count
            if node.options.notify_retract or is_told:
                self._tell(realm, node, items_event(name, retracted(ids)), takers)
        realm.changed(name, (), tuple(ids))
        along.heard(realm)

    @deferred
    async def purge(self, realm: Realm, who: JID, name: str) -> None:
        """Delete all items (8.5)."""
        async with self.exclusive(realm, name) as shelf:
            node = node_in(shelf, name)
            viewer = await self.viewer(realm, node, who)
            if viewer.affiliation not in (Affiliation.OWNER, Affiliation.PUBLISHER):
                raise StanzaError("forbidden")
            takers = await realm.audience(node, await self._nodes.people(node))
            along = await self._along(realm, who, shelf, name, (), ())
            await self._commit_with(realm, shelf, along, DeleteAll(ITEMS, part_of(realm.jid, name)))
            self._nodes.items_changed(node)
            node.items = 0
            if node.options.notify_retract:
                self._tell(realm, node, node_event("purge", name), takers)
        realm.changed(name, (), ())
        along.heard(realm)

    # -- the steps of a publication -----------------------------------------------------------------------------------

    async def _kept(
        self, realm: Realm, node: Node, entry: NewEntry, who: JID, is_new: bool
    ) -> tuple[list[Change], int | None, tuple[str, ...]]:
        """Give what stores an item, how many there are then, and the ids of those that go and are told of."""
        part, options = part_of(realm.jid, node.name), node.options
        append = Append(ITEMS, part, entry)
        if is_new:
            return [append], 1, ()
        limit = realm.bounds.items_of(options)
        if limit == 1 and options.publish_node_full != NodeFull.REJECT:
            if not may_change_others(await self.viewer(realm, node, who)):
                await self._check_overwriting(realm, node, who, await self._same(part, entry))
            all_others = DeleteEntries(ITEMS, part, keep=0)  # a `DeleteAll` would have to be swept
            return [all_others, append], 1, ()
        same = await self._same(part, entry)
        await self._check_overwriting(realm, node, who, same)
        changes: list[Change] = [DeleteEntries(ITEMS, part, ids=(entry.id,))] if same else []
        if options.item_expire is not None:
            changes.append(DeleteEntries(ITEMS, part, older_than=self._now() - options.item_expire))
        count = await self._nodes.count_items(node) if options.item_expire is None else None
        is_refused = not same and options.publish_node_full == NodeFull.REJECT
        if is_refused and await self._live(node, count) >= limit:
            raise refusal("node-full", "There are as many items as there may be")
        changes.append(append)
        count = None if count is None else count + (0 if same else 1)
        gone: tuple[str, ...] = ()
        if count is None or count > limit:
            changes.append(DeleteEntries(ITEMS, part, keep=limit))
            gone = await self._evicted(node, (count or 0) - limit)
        return changes, None if count is None else min(count, limit), gone

    async def _evicted(self, node: Node, number: int) -> tuple[str, ...]:
        """The oldest items that go for a new one, where that is told (7.1.2.6)."""
        options = node.options
        is_told = options.notify_retract and options.publish_node_full == NodeFull.RETRACT_OLDEST
        if number < 1 or not is_told:
            return ()
        oldest = await self._storage.read(
            ITEMS, part_of(node.owner, node.name), limit=min(number, MAX_PAGE), is_fresh=True
        )
        return tuple(entry.id for entry in oldest)

    async def _live(self, node: Node, count: int | None) -> int:
        """How many items are not over; *count* where none is ever."""
        if count is not None or node.options.item_expire is None:
            return count or 0
        since = Selection(start=self._now() - node.options.item_expire)
        return await self._storage.count(ITEMS, part_of(node.owner, node.name), since, is_fresh=True)

    async def _same(self, part: str, entry: NewEntry) -> list[Entry]:
        return await self._storage.read_ids(ITEMS, part, (entry.id,), is_fresh=True)

    async def _check_overwriting(self, realm: Realm, node: Node, who: JID, same: Sequence[Entry]) -> None:
        """Who may publish because all may, takes nobody else's item away."""
        if not same or same[0].with_jid == who.bare:
            return
        if not may_change_others(await self.viewer(realm, node, who)):
            raise StanzaError("forbidden", "Somebody else has published an item with this id")


def _check_item(item: NewItem | None, options: NodeOptions, realm: Realm) -> None:
    """XEP-0060 7.1.3.4 to 7.1.3.6: what an item must have, and must not."""
    if item is None:
        if options.persist_items or options.deliver_payloads:
            raise refusal("item-required")
        return
    if not options.persist_items and not options.deliver_payloads:
        raise refusal("item-forbidden")
    if len(item.id) > ITEM_CHARS:
        raise StanzaError("not-acceptable", "The id of the item is too long")
    if not item.payload and options.deliver_payloads:
        raise refusal("payload-required")
    if len(item.payload) > realm.bounds.payload_of(options):
        raise refusal("payload-too-big")
    if item.payload and options.type and item.ns != options.type and not options.type.startswith(ARTICLES):
        raise refusal("invalid-payload", f"The payload is not of the namespace {options.type}")
