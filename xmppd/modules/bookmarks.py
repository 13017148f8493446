"""Bookmarks of old and new clients are the same: XEP-0402 6, ``urn:xmpp:bookmarks:1#compat``; XEP-0411 for private XML.

The node of XEP-0402 has them; what private XML storage (XEP-0048 in XEP-0049) shows is made of it, and what is put
there goes into it. What is no room (``<url/>``) stays in private XML.
"""

from collections.abc import Mapping
from typing import Final

from xmppd.core.module import XEP, Module, on
from xmppd.core.waiting import deferred
from xmppd.services.profile.private_data import PRIVATE_DATA, PrivateData, PrivateRequest
from xmppd.services.pubsub.bookmarks import NODE, NS_OLD, old_of, others_in, rooms_of
from xmppd.services.pubsub.personal import Personal
from xmppd.services.pubsub.publishing import Publishing
from xmppd.services.pubsub.reading import Reading
from xmppd.services.pubsub.refusals import NoSuchNode
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.jid import JID
from xmppd.stanza.result_sets import PageRequest
from xmppd.storage.interface import Change, Entry

KEY: Final = f"{{{NS_OLD}}}storage"


class Bookmarks(Module):
    """Shows each kind of client the bookmarks of the other."""

    name = "bookmarks"
    summary = "Bookmark Conversion"
    xep = (XEP(402, "1.2.0"), XEP(411, "1.1.0"))
    account_features = (f"{NODE}#compat", "urn:xmpp:bookmarks-conversion:0")
    requires = ("pep", "private")
    uses = (Personal, PrivateData, Publishing, Reading)

    def start(self) -> None:
        """Find the services."""
        services = self.api.services
        self._personal, self._private = services[Personal], services[PrivateData]
        self._publishing, self._reading = services[Publishing], services[Reading]

    @on(PRIVATE_DATA)
    def on_private(self, asked: PrivateRequest) -> object:
        """A client asks for the old kind of bookmarks, or changes them."""
        if KEY not in asked.keys or not self._personal.realm(asked.owner).is_there():
            return None
        return self._shown(asked.owner) if asked.data is None else self._taken(asked.owner, asked.data)

    @deferred
    async def _shown(self, owner: JID) -> bytes | None:
        """Make the old kind out of the node, with what else was kept; None where there is no node."""
        entries = await self._entries(owner)
        if entries is None:
            return None
        rooms = [old_of(entry) for entry in entries]
        stored = await self._private.get(owner.bare, KEY)
        others = () if stored is None else others_in(parse_element(stored))
        return Element("storage", NS_OLD, children=[*rooms, *others]).to_bytes()

    @deferred
    async def _taken(self, owner: JID, data: Mapping[str, bytes | None]) -> bool | None:
        """Put the rooms into the node and all else into private XML, in one step."""
        storage = parse_element(data[KEY] or b"<storage xmlns='%b'/>" % NS_OLD.encode())
        entries = await self._entries(owner)
        known = {entry.id: entry for entry in entries or ()}
        wanted = rooms_of(storage, known)
        if not wanted and entries is None:
            return None
        others = list(others_in(storage))
        kept = Element("storage", NS_OLD, children=others).to_bytes() if others else None
        changes: list[Change] = await self._private.changes(owner, {**data, KEY: kept})
        items = [item for item in wanted if item.id not in known or known[item.id].stanza != item.payload]
        gone = sorted(known.keys() - {item.id for item in wanted})
        await self._publishing.update(self._personal.realm(owner), owner, NODE, items, gone, *changes)
        return True

    async def _entries(self, owner: JID) -> list[Entry] | None:
        """Give all bookmarks of an account, None where it has no node for them."""
        realm, found = self._personal.realm(owner), list[Entry]()
        after = None
        while True:
            try:
                page = await self._reading.page(realm, owner, NODE, PageRequest(max=PAGE, after=after))
            except NoSuchNode:
                return None
            found += page.entries
            if not page.entries or len(found) >= page.total:
                return found
            after = page.entries[-1].id


PAGE: Final = 500
