"""muc#owner: configuration and destruction (XEP-0045 10.1, 10.2, 10.9)."""

from dataclasses import replace
from typing import Final

from xmppd.core.events import IQRequest
from xmppd.core.waiting import Waiting
from xmppd.modules.muc.entering import Entering
from xmppd.modules.muc.form import ADMINS, OWNERS, config_form, read_jids, read_settings
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.standing import Asked, Standing
from xmppd.modules.muc.view import (
    CONFIGURATION_CHANGED,
    LOGGED,
    MEMBERS_ONLY_NOW,
    NOT_LOGGED,
    NOW_ANONYMOUS,
    NOW_NON_ANONYMOUS,
    Change,
    X,
    item_xml,
    room_message,
    user_xml,
)
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.services.rooms.room import Affiliated, Room
from xmppd.services.rooms.settings import RoomSettings
from xmppd.services.rooms.store import Tombstone
from xmppd.stanza import forms
from xmppd.stanza.element import Element, escape_attr, escape_text
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.stanza import Stanza

NS: Final = "http://jabber.org/protocol/muc#owner"
MAX_REASON: Final = 1_000


class Owner:
    """Answers muc#owner."""

    def __init__(self, parts: MucParts, standing: Standing, entering: Entering):
        self._parts = parts
        self._rooms = parts.rooms
        self._standing = standing
        self._entering = entering

    async def get(self, request: IQRequest) -> Element:
        """Give the form as it is now (10.1.3, 10.2)."""
        room = await self._room(request)
        admins = sorted(jid for jid, _ in room.affiliated(Affiliation.ADMIN))
        form = config_form(room.settings, room.address.bare, admins, sorted(room.owners))
        return Element("query", NS, None, [form])

    async def set(self, request: IQRequest) -> None:
        """Take a form (10.1.2, 10.1.3, 10.2), or destroy the room (10.9)."""
        room, query = await self._room(request), request.payload
        destroy = query.child("destroy")
        if destroy is not None:
            async with room.lock:
                await self._destroy(room, _tombstone(destroy, self._rooms.now()))
            return
        try:
            submission = forms.submission_in(query)
        except ValueError as error:
            raise StanzaError("bad-request", str(error)) from error
        if submission is None or submission.type not in ("submit", "cancel"):
            raise StanzaError("bad-request", "A form has to be submitted")
        async with room.lock:
            if room.is_gone:
                raise StanzaError("item-not-found")
            if submission.type == "cancel":
                if room.is_locked:  # 10.1.3: who does not want it has no room
                    await self._destroy(room, None)
                return
            await self._configure(room, submission)

    async def _room(self, request: IQRequest) -> Room:
        room = await self._parts.room_of(request)
        if self._parts.standing(room, request.sender.bare) is not Affiliation.OWNER:
            raise StanzaError("forbidden", "Only owners may do this")
        return room

    # -- configuration ------------------------------------------------------------------------------------------------

    async def change(self, room: Room, settings: RoomSettings) -> None:
        """Give a room, whose lock is held, other settings, and tell who is there."""
        before = room.settings
        await self._rooms.configure(room, settings, [])
        self._tell(room, before)

    async def _configure(self, room: Room, submission: forms.Submission) -> None:
        before, settings = room.settings, read_settings(submission, room.settings)
        asked = _asked(room, submission)
        self._standing.check(room, asked)
        standing_before = {jid: room.affiliation(jid) for jid, _ in asked}
        await self._rooms.configure(room, settings, asked)
        self._standing.affiliated(room, standing_before, "")
        self._tell(room, before)

    def _tell(self, room: Room, before: RoomSettings) -> None:
        """10.2.1: what has changed for whom, and who has to leave."""
        settings = room.settings
        if settings == before:
            return
        statuses = _statuses(before, settings)
        if settings.is_members_only and not before.is_members_only:
            for occupant in list(room.occupants.values()):
                if room.affiliation(occupant.bare_jid) < Affiliation.MEMBER:
                    self._entering.remove(room, occupant, Change("unavailable", (MEMBERS_ONLY_NOW,)))
        self.tell_statuses(room, statuses)
        self._entering.emptied(room)

    def tell_statuses(self, room: Room, statuses: list[int]) -> Waiting:
        """Tell all of a change by its status codes."""
        message = room_message(room, user_xml(statuses=statuses), id=self._rooms.next_id())
        return self._parts.telling.all(room, message)

    # -- destruction --------------------------------------------------------------------------------------------------

    async def destroy(self, room: Room, tombstone: Tombstone | None) -> None:
        """Destroy a room and tell who is there; `StorageError`, and then it is as it was."""
        async with room.lock:
            await self._destroy(room, tombstone)

    async def _destroy(self, room: Room, tombstone: Tombstone | None) -> None:
        if room.is_gone:
            raise StanzaError("item-not-found")
        await self._rooms.destroy(room, tombstone)
        x = user_xml(item_xml(Affiliation.NONE, Role.NONE), (), _destroy_xml(tombstone))
        for full_jid, occupant in list(room.by_jid.items()):
            room.leave(full_jid)
            self._parts.remotes.left(full_jid, room.address.bare)
            gone = Stanza("presence", None, occupant.occupant_jid, None, "unavailable", None, "", x, (X,))
            self._parts.telling.some(room, gone, (full_jid,))


def _statuses(before: RoomSettings, after: RoomSettings) -> list[int]:
    """10.2.1: the codes of what changes privacy, and 104 for all else."""
    statuses: list[int] = []
    if after.is_archived != before.is_archived:
        statuses.append(LOGGED if after.is_archived else NOT_LOGGED)
    if after.is_anonymous != before.is_anonymous:
        statuses.append(NOW_ANONYMOUS if after.is_anonymous else NOW_NON_ANONYMOUS)
    if replace(before, is_archived=after.is_archived, whois=after.whois) != after:
        statuses.append(CONFIGURATION_CHANGED)
    return statuses


def _asked(room: Room, submission: forms.Submission) -> list[Asked]:
    """The lists of the form are whole: who is left out has lost the affiliation, and is a member from now on (10.2)."""
    wanted: dict[str, Affiliated] = {}
    for var, affiliation in ((ADMINS, Affiliation.ADMIN), (OWNERS, Affiliation.OWNER)):
        listed = read_jids(submission, var)
        if listed is None:
            continue
        for jid, each in room.affiliated(affiliation):
            if jid not in listed:
                wanted.setdefault(jid, each._replace(affiliation=Affiliation.MEMBER, reason=""))
        for jid in listed:
            known = room.affiliations.get(jid)
            wanted[jid] = Affiliated(affiliation, known.nick if known else "")
    return list(wanted.items())


def _tombstone(destroy: Element, now: float) -> Tombstone:
    venue = destroy.get("jid") or ""
    try:
        venue = JID.parse(venue).bare if venue else ""
    except InvalidJID as error:
        raise StanzaError("jid-malformed", str(error)) from error
    reason = (destroy.child_text("reason") or "")[:MAX_REASON]
    return Tombstone(now, reason, venue, (destroy.child_text("password") or "")[:MAX_REASON])


def _destroy_xml(tombstone: Tombstone | None) -> str:
    if tombstone is None:
        return "<destroy/>"
    venue = f" jid='{escape_attr(tombstone.venue)}'" if tombstone.venue else ""
    inner = f"<password>{escape_text(tombstone.password)}</password>" if tombstone.password else ""
    inner += f"<reason>{escape_text(tombstone.reason)}</reason>" if tombstone.reason else ""
    return f"<destroy{venue}>{inner}</destroy>" if inner else f"<destroy{venue}/>"
