"""What an operator does with rooms: the module's side of ``xmppctl room``, with an owner's rights and no occupant."""

from collections.abc import Mapping
from typing import Any

from xmppd.modules.muc.owner import Owner
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.standing import Standing
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.services.rooms.room import Affiliated, Room
from xmppd.services.rooms.rooms import Page
from xmppd.services.rooms.settings import changed
from xmppd.services.rooms.store import Tombstone
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID


class RoomOperations:
    """Lists, makes, changes and destroys rooms. All raise `StanzaError` and `StorageError`."""

    def __init__(self, parts: MucParts, standing: Standing, owner: Owner):
        self._parts = parts
        self._standing = standing
        self._owner = owner

    async def listed(self, after: str | None, limit: int) -> Page:
        """Give a page of all rooms, hidden ones too, by name."""
        return await self._parts.rooms.listed(self._parts.host.name, after, limit=limit)

    def occupants(self, name: str) -> int:
        """Give how many are in a room."""
        room = self._parts.rooms.loaded.get(f"{name}@{self._parts.host.name}")
        return 0 if room is None else len(room.occupants)

    async def room(self, address: JID) -> Room:
        """Give a room; item-not-found."""
        return await self._parts.room(address)

    async def create(self, address: JID, owner: str) -> Room:
        """Make a room that stays, for an owner, over a tombstone too; `RoomExists`."""
        options = self._parts.options
        settings = options.settings(is_persistent=True)
        return await self._parts.rooms.create(address, owner, settings, is_locked=False, over_tombstone=True)

    async def configure(self, address: JID, changes: Mapping[str, Any]) -> Room:
        """Change settings of a room by their names, as its owner would; ValueError for what is none of them."""
        room = await self._parts.room(address)
        async with room.lock:
            if room.is_gone:
                raise StanzaError("item-not-found")
            await self._owner.change(room, changed(room.settings, changes))
        return room

    async def destroy(self, address: JID, reason: str, venue: str) -> None:
        """Destroy a room, and tell who is there why, and where to go."""
        room = await self._parts.room(address)
        await self._owner.destroy(room, Tombstone(self._parts.rooms.now(), reason, venue))

    async def affiliate(self, address: JID, jid: str, affiliation: Affiliation, reason: str) -> None:
        """Give a bare JID another affiliation."""
        room = await self._parts.room(address)
        async with room.lock:
            if room.is_gone:
                raise StanzaError("item-not-found")
            known = room.affiliations.get(jid)
            nick = known.nick if known is not None and affiliation >= Affiliation.MEMBER else ""
            await self._standing.affiliate(room, [(jid, Affiliated(affiliation, nick, reason))], "")

    async def kick(self, address: JID, nick: str, reason: str) -> None:
        """Remove an occupant."""
        room = await self._parts.room(address)
        occupant = room.occupants.get(nick)
        if occupant is None:
            raise StanzaError("item-not-found", "Nobody has this nick")
        self._standing.set_role(room, occupant, Role.NONE, "", reason)
