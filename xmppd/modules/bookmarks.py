"""Bookmarks of all clients are the same: XEP-0402 6, ``#compat`` and ``#compat-pep``; XEP-0411; XEP-0048 over PEP.

The node of XEP-0402 has the rooms, private XML all else that a list of the old kind holds (``<url/>``). What private
XML (XEP-0049) shows is made of both; the node ``storage:bookmarks`` has a copy, which is changed in the same
transaction. A node that others may read is left alone, since what is private must not get there (XEP-0411 5).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from xmppd.core.module import XEP, Module, on
from xmppd.core.waiting import deferred
from xmppd.services.profile.private_data import PRIVATE_DATA, PrivateData, PrivateRequest
from xmppd.services.pubsub.bookmarks import (
    NODE,
    NS_OLD,
    difference,
    others_in,
    rooms_of,
    storage_in,
    storage_of,
)
from xmppd.services.pubsub.changes import (
    ITEMS_CHANGING,
    NODE_WANTED,
    Along,
    ItemsChanged,
    NodeWanted,
    Part,
)
from xmppd.services.pubsub.items import NewItem, payload_of
from xmppd.services.pubsub.node import Node
from xmppd.services.pubsub.options import AccessModel
from xmppd.services.pubsub.personal import Personal, PersonalRealm
from xmppd.services.pubsub.publishing import Publishing
from xmppd.services.pubsub.reading import Reading
from xmppd.services.pubsub.refusals import NoSuchNode
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.result_sets import PageRequest
from xmppd.storage.interface import Entry, NewEntry

KEY: Final = f"{{{NS_OLD}}}storage"
CURRENT: Final = "current"
"""The id of the only item of the old kind (XEP-0048 3.1)."""
PAGE: Final = 500


class Bookmarks(Module):
    """Shows each kind of client the bookmarks of the others."""

    name = "bookmarks"
    summary = "Bookmark Conversion"
    xep = (XEP(402, "1.2.0"), XEP(411, "1.1.0"), XEP(48, "1.2", "in nodes"))
    account_features = (f"{NODE}#compat", f"{NODE}#compat-pep", "urn:xmpp:bookmarks-conversion:0")
    requires = ("pep", "private")
    uses = (Personal, PrivateData, Publishing, Reading)

    def start(self) -> None:
        """Find the services."""
        services = self.api.services
        self._personal, self._private = services[Personal], services[PrivateData]
        self._publishing, self._reading = services[Publishing], services[Reading]

    # -- private XML --------------------------------------------------------------------------------------------------

    @on(PRIVATE_DATA)
    def on_private(self, asked: PrivateRequest) -> object:
        """A client asks for the old kind of bookmarks, or changes them."""
        if KEY not in asked.keys or not self._personal.realm(asked.owner).is_there():
            return None
        return self._shown(asked.owner) if asked.data is None else self._taken(asked.owner, asked.data)

    @deferred
    async def _shown(self, owner: JID) -> bytes | None:
        """Make the old kind out of the node, with what else was kept; None where private XML alone has them."""
        realm = self._personal.realm(owner)
        new = await self._node(realm, NODE)
        if new is None and await self._node(realm, NS_OLD) is not None:
            await self._bring_up(owner)
        if not _is_private(new):
            return None
        entries = await self._entries(realm)
        return None if entries is None else storage_of(entries, await self._others(owner)).to_bytes()

    @deferred
    async def _taken(self, owner: JID, data: Mapping[str, bytes | None]) -> bool | None:
        """Put the rooms into the nodes and all else into private XML, in one step; None where that has it all."""
        realm = self._personal.realm(owner)
        is_taken = await self._publishing.update(realm, owner, NODE, lambda: self._split(realm, data))
        return is_taken or None

    async def _split(self, realm: PersonalRealm, data: Mapping[str, bytes | None]) -> Along | None:
        """Say what becomes of a list of the old kind; None where private XML alone has them."""
        storage = parse_element(data[KEY] or b"<storage xmlns='%b'/>" % NS_OLD.encode())
        entries = await self._entries(realm)
        is_of_nodes = entries is not None or await self._node(realm, NS_OLD) is not None
        if not is_of_nodes and not rooms_of(storage, {}):
            return None
        if not _is_private(await self._node(realm, NODE)):
            return None
        items, gone = difference(storage, {entry.id: entry for entry in entries or ()})
        changes = await self._private.changes(realm.account, {**data, KEY: _kept(others_in(storage))})
        return Along((Part(NODE, items, gone), *await self._copy(realm, storage)), changes)

    # -- the nodes ----------------------------------------------------------------------------------------------------

    @on(NODE_WANTED)
    def on_wanted(self, wanted: NodeWanted) -> object:
        """A client looks for bookmarks of either kind."""
        return self._bring_up(wanted.owner) if wanted.node in (NODE, NS_OLD) else None

    @deferred
    async def _bring_up(self, owner: JID) -> None:
        """Make the node that is not there out of the other, or both out of what private XML has (XEP-0411 4)."""
        realm = self._personal.realm(owner)
        if await self._node(realm, NODE) is None or await self._node(realm, NS_OLD) is None:
            await self._publishing.update(realm, owner, NODE, lambda: self._missing(realm))

    async def _missing(self, realm: PersonalRealm) -> Along | None:
        """Say what the nodes lack; None where there are no bookmarks at all, or where others may read a node."""
        new, old = await self._node(realm, NODE), await self._node(realm, NS_OLD)
        shown = None if old is None else await self._last(old)
        stored = await self._private.get(realm.jid, KEY)
        lists = [
            each for each in (None if stored is None else parse_element(stored), shown) if each is not None
        ]
        if not (_is_private(new) and _is_private(old)) or (new is None and not lists):
            return None
        entries = await self._entries(realm) or []
        known = {entry.id for entry in entries}
        items = {item.id: item for each in lists for item in rooms_of(each, {}) if item.id not in known}
        others = {each.to_bytes(): each for one in lists for each in others_in(one)}
        made = [NewEntry(item.id, 0.0, realm.jid, item.payload) for item in items.values()]
        copy = await self._copy(realm, storage_of((*entries, *made), others.values()))
        kept = await self._private.changes(realm.account, {KEY: _kept(others.values())})
        return Along((Part(NODE, list(items.values())), *copy), kept)

    @on(ITEMS_CHANGING)
    def on_items(self, changing: ItemsChanged) -> object:
        """Bookmarks of one kind are published or retracted: those of the other change with them."""
        if changing.node == NODE:
            return self._with_new(changing)
        return self._with_old(changing) if changing.node == NS_OLD and changing.published else None

    @deferred
    async def _with_new(self, changing: ItemsChanged) -> Along:
        """XEP-0402 6.1."""
        realm = self._personal.realm(changing.owner)
        rooms: dict[str, Entry | NewEntry] = {}
        if not _is_private(await self._node(realm, NODE)):
            return Along()
        if changing.published or changing.retracted:
            rooms = {entry.id: entry for entry in await self._entries(realm) or ()}
        for id in (*changing.retracted, *(entry.id for entry in changing.published)):
            rooms.pop(id, None)
        rooms |= {entry.id: entry for entry in changing.published}
        storage = storage_of(rooms.values(), await self._others(changing.owner))
        return Along(await self._copy(realm, storage))

    @deferred
    async def _with_old(self, changing: ItemsChanged) -> Along:
        """XEP-0402 6.2: what has not changed is not told."""
        owner, realm = changing.owner, self._personal.realm(changing.owner)
        storage = storage_in(changing.published[-1].stanza)
        new, old = await self._node(realm, NODE), await self._node(realm, NS_OLD)
        if storage is None or not (_is_private(new) and _is_private(old)):
            return Along()
        entries = await self._entries(realm) or ()
        items, gone = difference(storage, {entry.id: entry for entry in entries})
        try:
            kept = await self._private.changes(owner, {KEY: _kept(others_in(storage))})
        except StanzaError:
            kept = []  # there is too much private data: the node alone has the rest
        return Along((Part(NODE, items, gone),) if items or gone or new is None else (), kept)

    # -- what there is ------------------------------------------------------------------------------------------------

    async def _copy(self, realm: PersonalRealm, storage: Element) -> Sequence[Part]:
        """Give what puts a list into the node of the old kind; nothing where it is there, too long, or for others."""
        node, payload = await self._node(realm, NS_OLD), payload_of(storage)
        if not _is_private(node) or (node is not None and await self._last(node) == storage):
            return ()
        if len(payload) > realm.limits.pubsub_payload_bytes:
            return () if node is None else (Part(NS_OLD, gone=(CURRENT,)),)
        return (Part(NS_OLD, (NewItem(CURRENT, payload, NS_OLD),)),)

    async def _others(self, owner: JID) -> Iterable[Element]:
        stored = await self._private.get(owner.bare, KEY)
        return () if stored is None else others_in(parse_element(stored))

    async def _node(self, realm: PersonalRealm, name: str) -> Node | None:
        try:
            return await self._reading.find(realm, name)
        except NoSuchNode:
            return None

    async def _last(self, node: Node) -> Element | None:
        last = await self._reading.last(node)
        return None if last is None else storage_in(last.stanza)

    async def _entries(self, realm: PersonalRealm) -> list[Entry] | None:
        """Give all bookmarks of an account, None where it has no node for them."""
        found, after = list[Entry](), None
        while True:
            try:
                page = await self._reading.page(
                    realm, realm.account, NODE, PageRequest(max=PAGE, after=after)
                )
            except NoSuchNode:
                return None
            found += page.entries
            if not page.entries or len(found) >= page.total:
                return found
            after = page.entries[-1].id


def _is_private(node: Node | None) -> bool:
    """Whether only the account may read a node, as it is where it is made."""
    return node is None or node.options.access_model == AccessModel.WHITELIST


def _kept(others: Iterable[Element]) -> bytes | None:
    """Give what private XML keeps."""
    children = list(others)
    return Element("storage", NS_OLD, children=children).to_bytes() if children else None
