"""Taking back what was said: by moderators (XEP-0425 0.3.0, also as 0.2.1 has it), by its author (XEP-0424 0.4.2).

What was said is replaced by a tombstone, in the archive and for who enters later; all who are there are told.
"""

from typing import Final

from xmppd.core.events import IQRequest, Traffic
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.view import OCCUPANT_ID, occupant_id_xml
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.services.rooms.room import Room, Said
from xmppd.stanza.element import Element, escape_attr, escape_text
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.kinds import NS_RETRACT
from xmppd.stanza.layout import ChildName
from xmppd.stanza.stamps import stamp_of
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import STANZA_ID, with_stanza_id

NS: Final = "urn:xmpp:message-moderate:1"
NS_0: Final = "urn:xmpp:message-moderate:0"
NS_RETRACT_0: Final = "urn:xmpp:message-retract:0"
NS_FASTEN: Final = "urn:xmpp:fasten:0"
RETRACT: Final[ChildName] = (NS_RETRACT, "retract")
RETRACTED: Final[ChildName] = (NS_RETRACT, "retracted")
MAX_REASON: Final = 1_000
KEPT: Final = frozenset((OCCUPANT_ID, STANZA_ID))
"""What a tombstone keeps of a message."""


class Moderation:
    """Puts tombstones in the place of messages."""

    def __init__(self, parts: MucParts):
        self._parts = parts
        self._rooms = parts.rooms

    # -- by a moderator (XEP-0425) ------------------------------------------------------------------------------------

    async def moderate(self, request: IQRequest) -> None:
        """0.3.0: ``<moderate id='…'><retract/></moderate>``."""
        asked = request.payload
        if asked.child("retract", NS_RETRACT) is None:
            raise StanzaError("feature-not-implemented", "Messages can be retracted, nothing else")
        await self._moderate(request, asked.get("id"), asked.child_text("reason") or "")

    async def moderate_0(self, request: IQRequest) -> None:
        """0.2.1: the same in ``<apply-to id='…'/>`` (XEP-0422)."""
        asked = request.payload.child("moderate", NS_0)
        if asked is None or asked.child("retract", NS_RETRACT_0) is None:
            raise StanzaError("feature-not-implemented", "Messages can be retracted, nothing else")
        await self._moderate(request, request.payload.get("id"), asked.child_text("reason") or "")

    async def _moderate(self, request: IQRequest, id: str | None, reason: str) -> None:
        if not id:
            raise StanzaError("bad-request", "The id of a message is missing")
        room = await self._parts.room_of(request)
        async with room.lock:
            occupant = room.by_jid.get(request.sender.full)
            self._check(room, request, occupant)
            original = await self._rooms.archived(room, id)
            if original is None or RETRACT in original.stanza.child_names:
                raise StanzaError("item-not-found", "There is no such message")
            if RETRACTED in original.stanza.child_names:
                raise StanzaError("item-not-found", "The message has been retracted before")
            moderated = self._moderated(room, request, occupant)
            told = f"<reason>{escape_text(reason[:MAX_REASON])}</reason>" if reason else ""
            said = self._told(room, request, id, moderated, told)
            tombstone = _tombstone(original.stanza, said.at, "", f"{moderated}{told}")
            await self._rooms.moderate(room, id, tombstone, said)
            self._parts.telling.all(room, said.stanza)

    def _check(self, room: Room, request: IQRequest, occupant: Occupant | None) -> None:
        is_moderator = occupant is not None and occupant.role is Role.MODERATOR
        if not is_moderator and self._parts.standing(room, request.sender.bare) < Affiliation.ADMIN:
            raise StanzaError("forbidden", "Only moderators may moderate others' messages")
        if room.is_gone:
            raise StanzaError("item-not-found")

    def _moderated(self, room: Room, request: IQRequest, occupant: Occupant | None) -> str:
        by = occupant.occupant_jid if occupant is not None else room.address.bare
        who = occupant_id_xml(room, request.sender.bare).decode()
        return f"<moderated xmlns='{NS}' by='{escape_attr(by)}'>{who}</moderated>"

    def _told(self, room: Room, request: IQRequest, id: str, moderated: str, reason: str) -> Said:
        """4.1, and the form of 0.2.1 beside it: each client understands one of the two."""
        quoted = escape_attr(id)
        new = f"<retract xmlns='{NS_RETRACT}' id='{quoted}'>{moderated}{reason}</retract>"
        old_moderated = moderated.replace(f"xmlns='{NS}'", f"xmlns='{NS_0}'").replace("</moderated>", "")
        old = (
            f"<apply-to xmlns='{NS_FASTEN}' id='{quoted}'>{old_moderated}<retract xmlns='{NS_RETRACT_0}'/>"
            f"{reason}</moderated></apply-to>"
        )
        own_id = self._rooms.next_id()
        message = Stanza.make(
            "message", f"{new}{old}".encode(), from_=room.address.bare, id=own_id, type="groupchat"
        )
        stanza = with_stanza_id(message, room.address.bare, own_id)
        return Said(own_id, self._rooms.now(), stanza, request.sender.full)

    # -- by who said it (XEP-0424) ------------------------------------------------------------------------------------

    async def retract(self, traffic: Traffic, room: Room, said: Said) -> None:
        """Put a tombstone in the place of what *said*, a retraction, means, in one transaction with it.

        Raises forbidden where that was said by somebody else; what is not there leaves nothing behind.
        """
        retract = said.stanza.child(*reversed(RETRACT))
        id = retract.get("id") if retract is not None else None
        original = await self._rooms.archived(room, id) if id else None
        if original is None:
            return
        if original.by.partition("/")[0] != traffic.sender.bare:
            raise StanzaError("forbidden", "Only what one has said oneself can be retracted")
        if RETRACTED in original.stanza.child_names or RETRACT in original.stanza.child_names:
            return
        tombstone = _tombstone(original.stanza, said.at, said.stanza.id or "", "")
        self._rooms.retract(room, original.id, tombstone, traffic)


def _tombstone(original: Stanza, at: float, retraction: str, inner: str) -> Stanza:
    """XEP-0424 4, XEP-0425 5: addresses, id and who it was stay, the content goes."""
    kept = original.without(lambda ns, name, index: (ns, name) not in KEPT)
    attrs = {"stamp": stamp_of(at), **({"id": retraction} if retraction else {})}
    retracted = Element("retracted", NS_RETRACT, attrs)
    if not inner:
        return kept.with_child(retracted)
    written = retracted.to_bytes().decode().removesuffix("/>")
    return kept.with_child(f"{written}>{inner}</retracted>".encode())
