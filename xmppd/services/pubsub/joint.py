"""Changes of several nodes of one account in one step: what is published has other forms (XEP-0402 6, XEP-0411).

All of it is one transaction, with the change that has led to it if there is one, and is told behind its result.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from xmppd.services.pubsub.access import may_publish
from xmppd.services.pubsub.changes import Part
from xmppd.services.pubsub.creation import new_node
from xmppd.services.pubsub.items import NewItem, items_event, notification, retracted, shown
from xmppd.services.pubsub.node import Node
from xmppd.services.pubsub.nodes import ITEMS, Shelf
from xmppd.services.pubsub.operations import Operations, allow
from xmppd.services.pubsub.options import read_fields, unmet, with_values
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.refusals import NoSuchNode, refusal
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Append, Change, DeleteEntries, NewEntry, part_of

Form = Mapping[str, tuple[str, ...]]
"""The fields of a submitted form, without its type."""


class Place(NamedTuple):
    """Where an item goes: the node, whether it is made for the item, and what is to be stored for that."""

    node: Node
    is_new: bool
    changes: Sequence[Change]


class Ready(NamedTuple):
    """A part of a joint change, with what stores it."""

    place: Place
    entries: Sequence[NewEntry]
    gone: Sequence[str]
    changes: Sequence[Change]
    takers: Sequence[str]


class Joint(NamedTuple):
    """What is changed together with something else."""

    ready: Sequence[Ready] = ()
    changes: Sequence[Change] = ()

    def heard(self, realm: Realm) -> None:
        """Let the realm hear of it; when nobody holds the nodes any more."""
        for each in self.ready:
            if each.entries or each.gone:
                realm.changed(each.place.node.name, tuple(each.entries), tuple(each.gone))


class JointChanges(Operations):
    """Base of what changes items."""

    async def _along(
        self,
        realm: Realm,
        who: JID,
        shelf: Shelf,
        name: str,
        published: tuple[NewEntry, ...],
        gone: tuple[str, ...],
    ) -> Joint:
        """Ask what is to be changed together with items; a part that cannot be published is left out."""
        found = await realm.along(name, published, gone)
        ready = []
        for part in found.parts:
            try:
                ready.append(await self._ready(realm, who, shelf, part))
            except StanzaError:
                continue
        return Joint(ready, found.changes)

    async def _ready(self, realm: Realm, who: JID, shelf: Shelf, part: Part) -> Ready:
        place = await self._place(realm, who, shelf.nodes.get(part.node), part.node, None)
        node, owner = place.node, part_of(realm.jid, part.node)
        entries = [self._entry(item, who) for item in part.items]
        ids = (*(entry.id for entry in entries), *part.gone)
        changes: list[Change] = [DeleteEntries(ITEMS, owner, ids=ids)] if ids else []
        changes += [Append(ITEMS, owner, entry) for entry in entries]
        changes.append(DeleteEntries(ITEMS, owner, keep=realm.bounds.items_of(node.options)))
        takers = tuple(await realm.audience(node, await self._nodes.people(node)))
        return Ready(place, entries, part.gone, (*place.changes, *changes), takers)

    async def _commit_with(self, realm: Realm, shelf: Shelf, joint: Joint, *changes: Change) -> None:
        """Store *changes* and what goes along, and tell of the latter."""
        more = [change for each in joint.ready for change in each.changes]
        await self.commit(realm, *changes, *more, *joint.changes)
        for place, entries, gone, _, takers in joint.ready:
            node = place.node
            if place.is_new:
                shelf.nodes[node.name] = node
                self._nodes.keep(shelf, None if realm.is_personal else node.name)
            self._nodes.items_changed(node)
            node.items = None
            for entry in entries:
                self._tell(realm, node, published_event(node, entry), takers)
            if gone and node.options.notify_retract:
                self._tell(realm, node, items_event(node.name, retracted(gone)), takers)

    async def _place(
        self, realm: Realm, who: JID, node: Node | None, name: str, preconditions: Form | None
    ) -> Place:
        wanted = _wanted(realm, preconditions)
        if node is None:
            if not realm.is_personal or not realm.may_create(who):
                raise NoSuchNode
            options = with_values(realm.defaults(name), wanted)
            node, changes = await new_node(self._nodes, realm, who, name, options, self._now())
            return Place(node, True, changes)
        allow(may_publish(node, await self.viewer(realm, node, who)))
        unlike = unmet(node.options, wanted)
        if unlike:
            raise refusal("precondition-not-met", f"The node has another {', '.join(unlike)}")
        return Place(node, False, ())

    def _entry(self, item: NewItem, who: JID) -> NewEntry:
        return NewEntry(
            item.id or self._new_id(),
            self._now(),
            who.bare,
            item.payload,
            with_resource=who.resourcepart or "",
        )

    def _tell(self, realm: Realm, node: Node, event: bytes, takers: Iterable[str]) -> None:
        if node.options.deliver_notifications:
            stanza = notification(realm.jid, node.options.notification_type, event)
            self._notices.send((realm.jid, node.name), stanza, takers)


def published_event(node: Node, entry: NewEntry | None) -> bytes:
    """Write the event of a publication (7.1.2), with its item if there is one."""
    if entry is None:
        return items_event(node.name, ())
    return items_event(node.name, (shown(node, entry, node.options.deliver_payloads),))


def _wanted(realm: Realm, preconditions: Form | None) -> dict[str, Any]:
    if preconditions is None:
        return {}
    try:
        return read_fields(preconditions, realm.bounds)
    except ValueError as error:
        raise refusal("precondition-not-met", str(error)) from error
