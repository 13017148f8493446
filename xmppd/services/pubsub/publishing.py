"""Publishing, retracting and purging: XEP-0060 7 and 8.5.

Rules that live here: a node that publishing makes is stored in one transaction with its first item; an item with the
id of another takes its place and is the newest; what there is too much of goes with the item that comes, which is told
where the node is so; the result leaves after the commit, and then those who may see the item are told, in the order of
the commits.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from xmppd.core.waiting import deferred
from xmppd.services.pubsub.access import may_change_others, may_publish
from xmppd.services.pubsub.creation import new_node
from xmppd.services.pubsub.items import (
    NewItem,
    items_event,
    node_event,
    notification,
    retracted,
    shown,
)
from xmppd.services.pubsub.node import ITEM_CHARS, Affiliation, Node
from xmppd.services.pubsub.nodes import ITEMS
from xmppd.services.pubsub.operations import Operations, allow, node_in
from xmppd.services.pubsub.options import NodeFull, NodeOptions, read_fields, unmet, with_values
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.refusals import NoSuchNode, refusal
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
Form = Mapping[str, tuple[str, ...]]
"""The fields of a submitted form, without its type."""


class _Place(NamedTuple):
    """Where an item goes: the node, whether it is made for the item, and what is to be stored for that."""

    node: Node
    is_new: bool
    changes: Sequence[Change]


class Publishing(Operations):
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
            kept, gone = list[Change](), tuple[str, ...]()
            if entry is not None and node.options.persist_items:
                kept, node.items, gone = await self._kept(realm, node, entry, who, place.is_new)
            takers = await realm.audience(node, await self._nodes.people(node))
            takers = tuple(takers) if gone else takers
            await self.commit(realm, *place.changes, *kept)
            if place.is_new:
                shelf.nodes[name] = node
                self._nodes.keep(shelf, None if realm.is_personal else name)
            if kept and entry is not None:
                self._nodes.published(node, entry)
            self._tell(realm, node, _published(node, entry), takers)
            if gone:
                self._tell(realm, node, items_event(name, retracted(gone)), takers)
        if entry is not None:
            realm.changed(name, (entry,), gone)
        return entry.id if entry is not None else ""

    @deferred
    async def update(
        self, realm: Realm, who: JID, name: str, items: Sequence[NewItem], gone: Sequence[str], *more: Change
    ) -> None:
        """Publish and retract several items of a node of the account itself, and make *more* changes, all in one step.

        The node is made where it is not there. For conversions, which have seen to what the items are; *who* owns it.
        """
        part = part_of(realm.jid, name)
        async with self.exclusive(realm, name) as shelf:
            place = await self._place(realm, who, shelf.nodes.get(name), name, None)
            node, options = place.node, place.node.options
            entries = [self._entry(item, who) for item in items]
            ids = (*(entry.id for entry in entries), *gone)
            changes: list[Change] = [DeleteEntries(ITEMS, part, ids=ids)] if ids else []
            changes += [Append(ITEMS, part, entry) for entry in entries]
            changes.append(DeleteEntries(ITEMS, part, keep=realm.bounds.items_of(options)))
            people = await self._nodes.people(node)
            takers = tuple(await realm.audience(node, people))
            await self.commit(realm, *place.changes, *changes, *more)
            if place.is_new:
                shelf.nodes[name] = node
                self._nodes.keep(shelf, None if realm.is_personal else name)
            self._nodes.items_changed(node)
            node.items = None
            for entry in entries:
                self._tell(realm, node, _published(node, entry), takers)
            if gone and options.notify_retract:
                self._tell(realm, node, items_event(name, retracted(gone)), takers)
        realm.changed(name, tuple(entries), tuple(gone))

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
            await self.commit(realm, DeleteEntries(ITEMS, part_of(realm.jid, name), ids=tuple(ids)))
            self._nodes.items_changed(node)
            if node.items is not None:
                node.items -= len(entries)
            if node.options.notify_retract or is_told:
                self._tell(realm, node, items_event(name, retracted(ids)), takers)
        realm.changed(name, (), tuple(ids))

    @deferred
    async def purge(self, realm: Realm, who: JID, name: str) -> None:
        """Delete all items (8.5)."""
        async with self.exclusive(realm, name) as shelf:
            node = node_in(shelf, name)
            viewer = await self.viewer(realm, node, who)
            if viewer.affiliation not in (Affiliation.OWNER, Affiliation.PUBLISHER):
                raise StanzaError("forbidden")
            takers = await realm.audience(node, await self._nodes.people(node))
            await self.commit(realm, DeleteAll(ITEMS, part_of(realm.jid, name)))
            self._nodes.items_changed(node)
            node.items = 0
            if node.options.notify_retract:
                self._tell(realm, node, node_event("purge", name), takers)
        realm.changed(name, (), ())

    # -- the steps of a publication -----------------------------------------------------------------------------------

    async def _place(
        self, realm: Realm, who: JID, node: Node | None, name: str, preconditions: Form | None
    ) -> _Place:
        wanted = _wanted(realm, preconditions)
        if node is None:
            if not realm.is_personal or not realm.may_create(who):
                raise NoSuchNode
            options = with_values(realm.defaults(name), wanted)
            node, changes = await new_node(self._nodes, realm, who, name, options, self._now())
            return _Place(node, True, changes)
        allow(may_publish(node, await self.viewer(realm, node, who)))
        unlike = unmet(node.options, wanted)
        if unlike:
            raise refusal("precondition-not-met", f"The node has another {', '.join(unlike)}")
        return _Place(node, False, ())

    def _entry(self, item: NewItem, who: JID) -> NewEntry:
        return NewEntry(
            item.id or self._new_id(),
            self._now(),
            who.bare,
            item.payload,
            with_resource=who.resourcepart or "",
        )

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
            await self._check_overwriting(realm, node, who, await self._same(part, entry))
            return [DeleteAll(ITEMS, part), append], 1, ()
        same = await self._same(part, entry)
        await self._check_overwriting(realm, node, who, same)
        changes: list[Change] = [DeleteEntries(ITEMS, part, ids=(entry.id,))] if same else []
        if options.item_expire is not None:
            changes.append(DeleteEntries(ITEMS, part, older_than=self._now() - options.item_expire))
        count = await self._count(node) if options.item_expire is None else None
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

    async def _count(self, node: Node) -> int:
        if node.items is None:
            node.items = await self._storage.count(ITEMS, part_of(node.owner, node.name), is_fresh=True)
        return node.items

    async def _check_overwriting(self, realm: Realm, node: Node, who: JID, same: Sequence[Entry]) -> None:
        """Who may publish because all may, takes nobody else's item away."""
        if not same or same[0].with_jid == who.bare:
            return
        if not may_change_others(await self.viewer(realm, node, who)):
            raise StanzaError("forbidden", "Somebody else has published an item with this id")

    def _tell(self, realm: Realm, node: Node, event: bytes, takers: Iterable[str]) -> None:
        if node.options.deliver_notifications:
            stanza = notification(realm.jid, node.options.notification_type, event)
            self._notices.send((realm.jid, node.name), stanza, takers)


def _wanted(realm: Realm, preconditions: Form | None) -> dict[str, Any]:
    if preconditions is None:
        return {}
    try:
        return read_fields(preconditions, realm.bounds)
    except ValueError as error:
        raise refusal("precondition-not-met", str(error)) from error


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


def _published(node: Node, entry: NewEntry | None) -> bytes:
    if entry is None:
        return items_event(node.name, ())
    return items_event(node.name, (shown(node, entry, node.options.deliver_payloads),))
