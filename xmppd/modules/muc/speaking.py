"""What is said to all: XEP-0045 7.4, 8.1; with ids (XEP-0359, XEP-0421) and in the room's archive (XEP-0313).

A message is acknowledged to its sender when the room's archive has it: its entry is in the sender's transaction. Live
copies leave at once, with their stanza-id. A subject is a change of the room, and goes out once it is stored.
"""

from xmppd.core.domains.door import Taken
from xmppd.core.events import Traffic
from xmppd.core.waiting import deferred
from xmppd.modules.muc.moderation import RETRACT, Moderation
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.view import OCCUPANT_ID, cleaned
from xmppd.services.rooms.kinds import BODY, REPLACE, is_subject
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.pace import EVERYBODY
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.services.rooms.room import Room, Said
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import NS as NS_STANZA_ID
from xmppd.stanza.stanza_ids import STANZA_ID


class Speaking:
    """Takes groupchat messages."""

    def __init__(self, parts: MucParts, moderation: Moderation):
        self._parts = parts
        self._moderation = moderation
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
        self._check_pace(room, occupant, stanza)
        said = self.said(room, occupant, traffic.sender.full, stanza)
        if RETRACT in stanza.child_names:
            return self._retract(traffic, room, said)
        self._rooms.keep(room, said, traffic)
        if BODY in stanza.child_names and REPLACE not in stanza.child_names:
            room.activity.count(said.at)
        waiting = self._telling.all(room, said.stanza)
        return True if waiting is None else waiting.addCallback(lambda _: True)

    @deferred
    async def _retract(self, traffic: Traffic, room: Room, said: Said) -> bool:
        """XEP-0424: what it means is looked up first; then it goes to all as any message."""
        await self._moderation.retract(traffic, room, said)
        if room.is_closing or traffic.sender.full not in room.by_jid:
            raise StanzaError("not-acceptable", "You are not in the room")
        self._rooms.keep(room, said, traffic)
        waiting = self._telling.all(room, said.stanza)
        if waiting is not None:
            await waiting
        return True

    def _check_pace(self, room: Room, occupant: Occupant, stanza: Stanza) -> None:
        """Raise `StanzaError` where somebody says too much, or all together do, or too soon (XEP-0500 4)."""
        self._parts.check_pace(room, occupant.bare_jid)
        now, allowed = self._rooms.now(), self._parts.options.room_messages_per_minute
        if allowed and not room.pace.take(EVERYBODY, allowed, now):
            raise StanzaError("policy-violation", "Too much is said here at once", type="wait")
        settings = room.settings
        if settings.slow_mode_s or settings.voice_after_s:
            self._check_patience(room, occupant, stanza, now)

    def _check_patience(self, room: Room, occupant: Occupant, stanza: Stanza, now: float) -> None:
        """Who is new waits for voice; in slow mode messages with a body have to be apart, but those of admins."""
        settings, affiliation = room.settings, room.affiliation(occupant.bare_jid)
        is_new = now - occupant.entered_at < settings.voice_after_s
        if is_new and affiliation is Affiliation.NONE and occupant.role is not Role.MODERATOR:
            wait = f"Who is new here may speak after {settings.voice_after_s} seconds"
            raise StanzaError("policy-violation", wait, type="wait")
        if not settings.slow_mode_s or BODY not in stanza.child_names or affiliation >= Affiliation.ADMIN:
            return
        if room.pace.wait_s(occupant.bare_jid, settings.slow_mode_s, now):
            wait = f"Wait {settings.slow_mode_s} seconds between two messages"
            raise StanzaError("policy-violation", wait, type="wait")

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
        self._check_pace(room, occupant, stanza)
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
