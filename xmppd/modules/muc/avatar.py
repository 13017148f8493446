"""A room's vCard with its picture: XEP-0486 0.1.0, by XEP-0054; the hash as XEP-0153 has it."""

import binascii
import hashlib
from base64 import b64decode
from typing import Final

from xmppd.core.events import IQRequest
from xmppd.modules.muc.owner import Owner
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.view import CONFIGURATION_CHANGED, update_of
from xmppd.services.rooms.roles import Affiliation
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError

NS: Final = "vcard-temp"
MAX_PHOTOS: Final = 5


class Avatar:
    """Keeps and shows it."""

    def __init__(self, parts: MucParts, owner: Owner):
        self._parts = parts
        self._owner = owner

    async def get(self, request: IQRequest) -> bytes:
        """Give the vCard (3.4); an empty one where there is none."""
        room = await self._parts.room_of(request)
        return room.avatar or f"<vCard xmlns='{NS}'/>".encode()

    async def set(self, request: IQRequest) -> None:
        """Take another from an owner (3.2), and tell all that something has changed."""
        room = await self._parts.room_of(request)
        if self._parts.standing(room, request.sender.bare) is not Affiliation.OWNER:
            raise StanzaError("forbidden", "Only owners are allowed to set avatars")
        vcard = request.raw_payload if request.payload.children else b""
        if len(vcard) > self._parts.host.settings.limits.vcard_bytes:
            raise StanzaError("policy-violation", "The vCard is too large")
        hashes = hashes_of(request.payload)
        async with room.lock:
            if room.is_gone:
                raise StanzaError("item-not-found")
            await self._parts.rooms.set_avatar(room, vcard, hashes)
            self._parts.telling.all(room, update_of(room))
            self._owner.tell_statuses(room, [CONFIGURATION_CHANGED])


def hashes_of(vcard: Element) -> tuple[str, ...]:
    """Give the SHA-1 of each picture in a vCard (XEP-0153 3.1); not-acceptable for one that is none."""
    found = []
    for photo in vcard.elements():
        data = photo.child_text("BINVAL") if photo.name == "PHOTO" else None
        if data is None:
            continue
        try:
            picture = b64decode("".join(data.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise StanzaError("not-acceptable", "A picture is no base64") from error
        found.append(hashlib.sha1(picture, usedforsecurity=False).hexdigest())
    if len(found) > MAX_PHOTOS:
        raise StanzaError("not-acceptable", f"At most {MAX_PHOTOS} pictures")
    return tuple(found)
