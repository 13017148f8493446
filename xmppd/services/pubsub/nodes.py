"""Nodes as they are stored, and as many of them in memory as there is room for.

========================  ============================  =================================================
store                     owner                         what
========================  ============================  =================================================
``pubsub_nodes``          the account or service        a node's record, by its name
``pubsub_items``          the node (a part of it)       its items, in the order of their publication
``pubsub_affiliations``   the node                      affiliations by bare JID
``pubsub_subscriptions``  the node                      subscriptions by the JID subscribed
``pubsub_people``         the account or service        which nodes somebody has to do with
========================  ============================  =================================================

A *shelf* is what is loaded together: all nodes of an account, since a login of its contact asks for them all, or one
node of a service, which may have very many. Who holds a shelf has the only one: it is not loaded again meanwhile, so
that what is changed under its lock is what all see.
"""

import json
from collections.abc import Iterable
from typing import Final
from weakref import WeakValueDictionary

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from xmppd.core.bounded import Bounded, BoundedBySize
from xmppd.services.pubsub.node import (
    Affiliation,
    Node,
    NodeRecord,
    People,
    Subscription,
    SubscriptionState,
)
from xmppd.services.pubsub.options import NodeOptions, decode, encode
from xmppd.stanza.jid import JID
from xmppd.storage.interface import (
    Change,
    Delete,
    DeleteAll,
    Entry,
    NewEntry,
    Put,
    Storage,
    StorageError,
    part_of,
)
from xmppd.storage.pages import all_owners

NODES: Final = "pubsub_nodes"
ITEMS: Final = "pubsub_items"
AFFILIATIONS: Final = "pubsub_affiliations"
SUBSCRIPTIONS: Final = "pubsub_subscriptions"
PEOPLE: Final = "pubsub_people"
IS_SUBSCRIBED: Final = b"s"
"""What `PEOPLE` keeps of who is subscribed; nothing of who has an affiliation alone."""
OF_NODE: Final = (ITEMS, AFFILIATIONS, SUBSCRIPTIONS)
"""Stores whose owner is the node."""
KEPT_NODES: Final = 50_000
"""So many nodes stay in memory for who asks next, an account without any counting as one."""
KEPT_BYTES: Final = 32 * 1024 * 1024
"""The last items that stay in memory, together."""
_ENTRY_BYTES: Final = 300


class Shelf:
    """Nodes that are loaded together, by name."""

    __slots__ = ("__weakref__", "lock", "nodes", "owner")

    def __init__(self, owner: str, nodes: dict[str, Node]):
        self.owner = owner
        self.nodes = nodes
        self.lock = DeferredLock()
        """Held by who changes one of them, from the look at what is there to the commit."""


class Nodes:
    """All nodes of this server, loaded when they are asked for."""

    _log = Logger()

    def __init__(self, storage: Storage):
        self._storage = storage
        self._known: WeakValueDictionary[str, Shelf] = WeakValueDictionary()
        self._recent: BoundedBySize[str, Shelf] = BoundedBySize(KEPT_NODES)
        self._loading: dict[str, list[Deferred[Shelf]]] = {}
        self._last: BoundedBySize[tuple[str, str], Entry | None] = BoundedBySize(KEPT_BYTES)
        self._owners: set[str] | None = None
        """Who has nodes; None as long as nobody has asked. For all others nothing is read."""
        self._options: Bounded[NodeOptions, NodeOptions] = Bounded(1_000)

    # -- reading ------------------------------------------------------------------------------------------------------

    def loaded(self, owner: str, name: str | None = None) -> Shelf | None:
        """Give a shelf that is in memory; see `shelf`."""
        key = owner if name is None else part_of(owner, name)
        shelf = self._recent.use(key)
        return self._known.get(key) if shelf is None else shelf

    async def shelf(self, owner: str, name: str | None = None) -> Shelf:
        """Give the shelf with all nodes of *owner*, or with the one called *name*; waits; `StorageError`."""
        known = self.loaded(owner, name)
        if known is not None:
            return known
        key = owner if name is None else part_of(owner, name)
        waiting = self._loading.get(key)
        if waiting is not None:
            shared: Deferred[Shelf] = Deferred()
            waiting.append(shared)
            return await shared
        waiting = self._loading[key] = []
        try:
            shelf = Shelf(owner, await self._read(owner, name))
        except StorageError as error:
            self._loading.pop(key, None)
            for other in waiting:
                other.errback(error)
            raise
        if self._loading.get(key) is waiting:  # nobody has let go of the owner meanwhile
            del self._loading[key]
            self._known[key] = shelf
            self.keep(shelf, name)
        for other in waiting:
            other.callback(shelf)
        return shelf

    def keep(self, shelf: Shelf, name: str | None) -> None:
        """Note how large a shelf is now."""
        key = shelf.owner if name is None else part_of(shelf.owner, name)
        if self._known.get(key) is shelf:
            self._recent.keep(key, shelf, len(shelf.nodes) + 1)

    async def _read(self, owner: str, name: str | None) -> dict[str, Node]:
        if name is None:
            stored = await self._storage.get_all(NODES, owner) if await self._has_any(owner) else {}
        else:
            one = await self._storage.get(NODES, owner, name, is_fresh=True)
            stored = {} if one is None else {name: one}
        nodes = {}
        for each, data in stored.items():
            try:
                nodes[each] = Node(owner, each, self._record(data))
            except ValueError as error:
                self._log.error("A node cannot be read and is left out: {error}", error=str(error))
        return nodes

    def may_have(self, owner: str) -> bool:
        """Whether *owner* has nodes, as far as that is known without reading."""
        return self._owners is None or owner in self._owners

    async def _has_any(self, owner: str) -> bool:
        if self._owners is None:
            owners = set(await all_owners(self._storage, NODES))
            if self._owners is None:
                self._owners = owners
        return owner in self._owners

    def _record(self, data: bytes) -> NodeRecord:
        record = record_of(data)
        known = self._options.use(record.options)
        if known is None:
            self._options.keep(record.options, record.options)
        return record if known is None else record._replace(options=known)

    async def count(self, owner: str, is_whole: bool) -> int:
        """Say how many nodes *owner* has; *is_whole*: all are loaded together. Waits; `StorageError`."""
        if is_whole:
            return len((await self.shelf(owner)).nodes)
        return len(await self._storage.keys(NODES, owner))

    async def all_of(self, owner: str, is_whole: bool, limit: int | None = None) -> list[Node]:
        """Give at most *limit* nodes of *owner*, by name; see `count`."""
        if is_whole:
            nodes = (await self.shelf(owner)).nodes
            return [nodes[name] for name in sorted(nodes)][:limit]
        found: list[Node] = []
        for name in (await self._storage.keys(NODES, owner))[:limit]:
            found += (await self.shelf(owner, name)).nodes.values()
        return found

    async def people(self, node: Node) -> People:
        """Give who has to do with a node; reads only where there is anybody. Waits; `StorageError`."""
        if node.people is not None:
            return node.people
        people = People()
        if node.record.has_people:
            stores = await self._storage.load(part_of(node.owner, node.name), (AFFILIATIONS, SUBSCRIPTIONS))
            people.affiliations = {
                jid: Affiliation(value.decode()) for jid, value in stores[AFFILIATIONS].items()
            }
            people.subscriptions = {
                jid: subscription_of(value) for jid, value in stores[SUBSCRIPTIONS].items()
            }
        if node.people is None:
            node.people = people
        return node.people

    async def last(self, node: Node) -> Entry | None:
        """Give the item that was published last, from the items themselves. Waits; `StorageError`."""
        key = (node.owner, node.name)
        if key in self._last:
            return self._last.use(key)
        changes = node.changes
        found = await self._storage.read(
            ITEMS, part_of(node.owner, node.name), limit=1, reverse=True, is_fresh=True
        )
        last = found[0] if found else None
        if node.changes == changes:
            self._last.keep(key, last, _size(last))
        return last

    async def count_items(self, node: Node) -> int:
        """Say how many items are kept, over or not; counts them where that is not known. Waits; `StorageError`."""
        if node.items is not None:
            return node.items
        changes = node.changes
        count = await self._storage.count(ITEMS, part_of(node.owner, node.name), is_fresh=True)
        if node.changes == changes:
            node.items = count
        return count

    # -- writing ------------------------------------------------------------------------------------------------------

    def put(self, node: Node, record: NodeRecord) -> Change:
        """Store *record* as that of *node*."""
        if self._owners is not None:
            self._owners.add(node.owner)
        return node_change(node.owner, node.name, record)

    def forget(self, node: Node, people: People) -> list[Change]:
        """Delete *node* with all that belongs to it."""
        part = part_of(node.owner, node.name)
        named = {*people.affiliations, *people.subscriptions}
        return [
            Delete(NODES, node.owner, node.name),
            *(DeleteAll(store, part) for store in OF_NODE),
            *(Delete(PEOPLE, node.owner, people_key(jid, node.name)) for jid in sorted(named)),
        ]

    def items_changed(self, node: Node) -> None:
        """What is remembered of the items of *node* is not true any more."""
        node.changes += 1
        self._last.forget((node.owner, node.name))

    def published(self, node: Node, new: NewEntry) -> None:
        """*new* is the last item of *node* now; its place is not known, and nobody asks for it."""
        node.changes += 1
        last = Entry(0, *new)
        self._last.keep((node.owner, node.name), last, _size(last))

    def let_go(self, owner: JID) -> None:
        """Keep nothing of an account in memory: it is gone, or its home is elsewhere now. What is stored stays."""
        if self._owners is not None:
            self._owners.discard(owner.bare)
        shelf = self._known.pop(owner.bare, None)
        self._recent.forget(owner.bare)
        self._loading.pop(owner.bare, None)
        for name in shelf.nodes if shelf is not None else ():
            self._last.forget((owner.bare, name))

    def release_memory(self) -> None:
        """Keep only what somebody uses now."""
        self._recent.clear()
        self._last.clear()


def node_change(owner: str, name: str, record: NodeRecord) -> Put:
    """Give what stores a node itself."""
    stored = {
        "options": encode(record.options),
        "at": record.created_at,
        "by": record.creator,
        **({"people": 1} if record.has_people else {}),
    }
    return Put(NODES, owner, name, json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode())


def record_of(data: bytes) -> NodeRecord:
    """Give what `node_change` has written; ValueError for anything else."""
    try:
        stored = json.loads(data)
        options = decode(stored["options"])
        return NodeRecord(options, float(stored["at"]), str(stored["by"]), bool(stored.get("people")))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a node: {error!r}") from error


def people_key(jid: str, name: str) -> str:
    """Give the key by which a bare or full JID is found to have to do with the node *name*: bare JIDs first."""
    bare, _, resource = jid.partition("/")
    return f"{bare}\n{resource}\n{name}"


def names_of(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Give JID and name of the node of each of these keys of `PEOPLE`."""
    found = []
    for key in keys:
        bare, resource, name = key.split("\n", 2)
        found.append((f"{bare}/{resource}" if resource else bare, name))
    return found


def subscription_data(subscription: Subscription) -> bytes:
    """Give a subscription as it is stored."""
    return json.dumps(list(subscription)).encode()


def subscription_of(data: bytes) -> Subscription:
    """Give what `subscription_data` has written."""
    state, subid, deliver, expire = json.loads(data)
    return Subscription(SubscriptionState(state), subid, deliver, expire)


def _size(entry: Entry | None) -> int:
    return _ENTRY_BYTES if entry is None else _ENTRY_BYTES + len(entry.stanza) + len(entry.id)
