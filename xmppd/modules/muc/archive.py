"""The archive of a room: XEP-0313 1.1.3, for who may enter it (6.1.2, 8.2)."""

from typing import Final

from twisted.logger import Logger

from xmppd.core.events import IQRequest
from xmppd.core.session import Session
from xmppd.core.window import Pace
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.view import X, item_xml, user_xml
from xmppd.services.archive.ids import STORE
from xmppd.services.archive.pages import Bounds, Page, find
from xmppd.services.archive.query import NS, Query, empty_form, read_query
from xmppd.services.archive.results import bounds_for, fin_of, metadata_of, result_of
from xmppd.services.archive.search import ArchiveSearch
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.services.rooms.room import Room
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.kinds import NS_RETRACT
from xmppd.stanza.result_sets import NS as NS_RSM
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Entry

FEATURES: Final = (NS, f"{NS}#extended", NS_RSM, NS_RETRACT, f"{NS_RETRACT}#tombstone")


class RoomArchive:
    """Gives pages of what was said in a room."""

    _log = Logger()

    def __init__(self, parts: MucParts, search: ArchiveSearch):
        """*search* is not used for rooms: they are not searched by words."""
        self._parts = parts
        self._search = search
        self._pace = Pace(parts.api.timers)

    async def form(self, request: IQRequest) -> Element:
        """Tell which fields a query may have (4.1.5)."""
        await self._room(request)
        return empty_form()

    async def metadata(self, request: IQRequest) -> Element:
        """Tell of the first and the last message (5)."""
        room = await self._room(request)
        return await metadata_of(self._parts.api.storage, STORE, room.address.bare)

    async def query(self, request: IQRequest) -> Element:
        """Send a page, then say which it was (4.2, 4.3)."""
        room, query, options = await self._room(request), read_query(request.payload), self._parts.options
        sees_jids = self._sees_jids(room, request.sender)
        if query.with_jid is not None and not sees_jids:
            raise StanzaError("forbidden", "Who has said what is not told here")  # 4.1.1
        wanted = options.page if query.page.max is None else query.page.max
        bounds, session = Bounds(min(wanted, options.max_page)), request.origin
        if session is not None:
            await self._pace.drained(session)
            bounds = bounds_for(session, bounds)
        page = await find(self._parts.api.storage, self._search, room.address.bare, query, bounds)
        self._send(room, request.sender, session, query, page, sees_jids)
        return fin_of(page)

    async def _room(self, request: IQRequest) -> Room:
        """Give the room, if it has an archive and the sender may enter it (6.1.2)."""
        room, sender = await self._parts.room_of(request), request.sender
        if not room.settings.is_archived:
            raise StanzaError("service-unavailable", "This room keeps no archive")
        standing = self._parts.standing(room, sender.bare)
        may = sender.full in room.by_jid or standing >= Affiliation.MEMBER
        is_open = room.settings.is_open and not room.is_locked
        if not may and not (is_open and standing is Affiliation.NONE):
            raise StanzaError("forbidden", "You may not enter this room")
        return room

    def _sees_jids(self, room: Room, sender: JID) -> bool:
        occupant = room.by_jid.get(sender.full)
        is_moderator = occupant is not None and occupant.role is Role.MODERATOR
        is_admin = self._parts.standing(room, sender.bare) >= Affiliation.ADMIN
        return not room.settings.is_anonymous or is_moderator or is_admin

    def _send(
        self, room: Room, to: JID, session: Session | None, query: Query, page: Page, sees_jids: bool
    ) -> None:
        for entry in reversed(page.entries) if query.is_flipped else page.entries:
            try:
                stanza = Stanza.parse(entry.stanza)
            except ValueError as error:
                self._log.error(
                    "A message in the archive of {room} cannot be read back: {id}, {error}",
                    room=room.address.bare,
                    id=entry.id,
                    error=str(error),
                )
                continue
            shown = _with_sender(room, entry, stanza) if sees_jids else stanza
            result = result_of(room.address.bare, to.full, query, entry, shown)
            if session is not None:
                session.send(result)
            else:
                self._parts.router.route(result)


def _with_sender(room: Room, entry: Entry, stanza: Stanza) -> Stanza:
    """6.1.2: who may see it is told who has sent a message."""
    jid = f"{entry.with_jid}/{entry.with_resource}" if entry.with_resource else entry.with_jid
    x = user_xml(item_xml(room.affiliation(entry.with_jid), Role.NONE, jid=jid))
    return stanza.with_last(x, X)
