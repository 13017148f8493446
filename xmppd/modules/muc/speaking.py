"""What is said to all: XEP-0045 7.4, 8.1; with ids (XEP-0359, XEP-0421) and in the room's archive (XEP-0313).

A message is acknowledged to its sender when the room's archive has it: its entry is in the sender's transaction. Live
copies leave at once, with their stanza-id. A subject is a change of the room, and goes out once it is stored.
"""

from xmppd.core.domains.door import Taken
from xmppd.core.events import Traffic
from xmppd.core.waiting import deferred
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.view import OCCUPANT_ID, cleaned
from xmppd.services.rooms.kinds import is_subject
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Role
from xmppd.services.rooms.room import Room, Said
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import NS as NS_STANZA_ID
from xmppd.stanza.stanza_ids import STANZA_ID


class Speaking:
    """Takes groupchat messages."""

    def __init__(self, parts: MucParts):
        self._parts = parts
        self._rooms = parts.rooms
        self._telling = parts.telling

    def groupchat(self, traffic: Traffic) -> Taken:
        """Reflect a message to all, itself included (7.4)."""
        room = self._rooms.loaded.get(traffic.target.bare)
        if room is None:
            return self._not_there(traffic)
        occupant = room.by_jid.get(traffic.sender.full)
        if occupant is None:
            raise StanzaError("not-acceptable", "You are not in the room")
        if room.is_closing:
            raise StanzaError("item-not-found", "The room is being destroyed")
        stanza = cleaned(traffic.stanza, room.address.bare)
        if is_subject(stanza.child_names):
            return self._subject(traffic, room, occupant, stanza)
        if occupant.role < Role.PARTICIPANT:
            raise StanzaError("forbidden", "You have no voice in this room")
        if not stanza.inner:
            return True
        said = self.said(room, occupant, traffic.sender.full, stanza)
        self._rooms.keep(room, said, traffic.changes)
        waiting = self._telling.all(room, said.stanza)
        return True if waiting is None else waiting.addCallback(lambda _: True)

    def said(self, room: Room, occupant: Occupant, by: str, stanza: Stanza) -> Said:
        """Give a message of an occupant as it goes to all, with its id and its time."""
        id = self._rooms.next_id()
        stanza_id = f"<stanza-id xmlns='{NS_STANZA_ID}' by='{room.address.bare}' id='{id}'/>".encode()
        reflected = Stanza(
            "message",
            None,
            occupant.occupant_jid,
            stanza.id,
            "groupchat",
            stanza.lang,
            "",
            b"%b%b%b" % (stanza.inner, occupant.id_xml, stanza_id),
            (*stanza.child_names, OCCUPANT_ID, STANZA_ID),
        )
        return Said(id, self._rooms.now(), reflected, by)

    @deferred
    async def _subject(self, traffic: Traffic, room: Room, occupant: Occupant, stanza: Stanza) -> bool:
        """8.1: who may change it, changes it for all once it is stored."""
        lowest = Role.PARTICIPANT if room.settings.change_subject else Role.MODERATOR
        if occupant.role < lowest:
            raise StanzaError("forbidden", "You may not change the subject")
        async with room.lock:
            if room.is_gone or room.by_jid.get(traffic.sender.full) is not occupant:
                raise StanzaError("not-acceptable", "You are not in the room")
            said = self.said(room, occupant, traffic.sender.full, stanza)
            await self._rooms.set_subject(room, said)
            waiting = self._telling.all(room, said.stanza)
        if waiting is not None:
            await waiting
        return True

    @deferred
    async def _not_there(self, traffic: Traffic) -> bool:
        """Nobody is in a room that is not in memory (7.4, 14.2 rule 3)."""
        room = await self._parts.room(traffic.target.with_resource(None))
        if room.by_jid.get(traffic.sender.full) is None:
            raise StanzaError("not-acceptable", "You are not in the room")
        return False
