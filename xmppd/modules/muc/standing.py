"""Changes of roles and affiliations, told to all: XEP-0045 8.2 – 8.5, 9, 10.3 – 10.8."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from xmppd.core.turns import Steps
from xmppd.modules.muc.entering import NOTHING, Entering
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.telling import GONE, is_broadcast
from xmppd.modules.muc.view import (
    AFFILIATION_CHANGED,
    AFFILIATION_LOST,
    BANNED,
    KICKED,
    Change,
    item_xml,
    room_message,
    user_xml,
)
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.services.rooms.room import Affiliated, Room
from xmppd.stanza.errors import StanzaError

Asked = tuple[str, Affiliated]
NOBODY: Final = Affiliated(Affiliation.NONE)


class Standing:
    """Gives and takes roles and affiliations; who may do so has been asked before."""

    def __init__(self, parts: MucParts, entering: Entering):
        self._parts = parts
        self._telling = parts.telling
        self._entering = entering

    def set_role(self, room: Room, occupant: Occupant, role: Role, actor: str, reason: str) -> None:
        """Give an occupant another role and tell all behind the result (8.3); NONE removes it: it hears first (8.2)."""
        if role is Role.NONE:
            change = Change("unavailable", (KICKED,), actor=actor, reason=reason)
            self._entering.remove(room, occupant, change, is_told_first=True)
        elif role is not occupant.role:
            self._telling.behind(
                room, *self._with_role(room, occupant, role, Change(actor=actor, reason=reason))
            )

    async def affiliate(self, room: Room, asked: Sequence[Asked], actor: str) -> None:
        """Give several bare JIDs other affiliations, all or none, then tell all. Whoever calls holds `Room.lock`.

        Raises what `check` does; `StorageError`, and then nothing has changed.
        """
        self.check(room, asked)
        before = {jid: room.affiliation(jid) for jid, _ in asked}
        await self._parts.rooms.affiliate(
            room, [(jid, None if _is_nothing(each) else each) for jid, each in asked]
        )
        self.affiliated(room, before, actor)

    def check(self, room: Room, asked: Sequence[Asked]) -> None:
        """Raise conflict where no owner would be left (10.4), resource-constraint where there would be too many."""
        new = {jid for jid, each in asked if jid not in room.affiliations and not _is_nothing(each)}
        if new and len(room.affiliations) + len(new) > self._parts.options.affiliations:
            raise StanzaError("resource-constraint", "The lists of this room are full", type="wait")
        owners = set(room.owners)
        for jid, each in asked:
            (owners.add if each.affiliation is Affiliation.OWNER else owners.discard)(jid)
        if not owners:
            raise StanzaError("conflict", "A room has at least one owner")

    def affiliated(self, room: Room, before: Mapping[str, Affiliation], actor: str) -> None:
        """Tell all who have another affiliation than *before* (by bare JID or domain, many of them maybe).

        Presence tells it of occupants (9), a message of others (10.3), behind the result of who has changed it (9.1);
        and these are told themselves (15.1).
        """
        changed = {jid: each for jid, each in before.items() if room.affiliation(jid) is not each}
        present = {occupant.bare_jid for occupant in room.occupants.values()}
        absent = []
        for jid, each in changed.items():
            is_there = jid in present or "@" not in jid
            occupants = (
                [o for o in room.occupants.values() if _is_of(room, o.bare_jid, jid)] if is_there else []
            )
            change = Change(actor=actor, reason=_reason(room, jid))
            for occupant in occupants:
                self._applied(room, occupant, each, room.affiliation(jid), change)
            if not occupants:
                absent.append(jid)
        if absent:
            self._tell_of_absent(room, absent)

    def _tell_of_absent(self, room: Room, absent: Sequence[str]) -> None:
        seeing = [jid for each in room.occupants.values() if room.sees_jids(each) for jid in each.sessions]
        for jid in absent:
            affiliation, reason = room.affiliation(jid), _reason(room, jid)
            self._tell_absent(room, jid, affiliation, reason)
            x = user_xml(item_xml(affiliation, Role.NONE, jid=jid, reason=reason))
            message = room_message(room, x, type=None, id=self._parts.rooms.next_id())
            self._telling.behind(room, self._telling.to(room, message, seeing))

    def _applied(
        self, room: Room, occupant: Occupant, before: Affiliation, affiliation: Affiliation, change: Change
    ) -> None:
        """Who may be there no more is removed; for others the role follows (5.1.3), and none is lost by a gain."""
        if affiliation is Affiliation.OUTCAST:
            self._entering.remove(room, occupant, replace(change, type="unavailable", statuses=(BANNED,)))
        elif room.settings.is_members_only and affiliation < Affiliation.MEMBER:
            lost = replace(change, type="unavailable", statuses=(AFFILIATION_LOST,))
            self._entering.remove(room, occupant, lost)
        else:
            role = room.initial_role(affiliation)
            if affiliation > before:
                role = max(role, occupant.role)
            self._telling.behind(room, *self._with_role(room, occupant, role, change))

    def _with_role(self, room: Room, occupant: Occupant, role: Role, change: Change) -> list[Steps]:
        """Give the work of telling a role.

        Who sees an occupant no more sees it leave; so does who was a moderator those whom only moderators see.
        """
        telling, pieces = self._telling, list[Steps]()
        is_listed = role.word in room.settings.presence_broadcast
        is_seen = (occupant.is_seen and is_listed) or is_broadcast(room, role, self._parts.options.large)
        if occupant.is_seen and not is_seen:
            blind = frozenset(
                (*occupant.sessions, *(jid for each in room.moderators for jid in each.sessions))
            )
            pieces += telling.to_others(room, occupant, GONE, NOTHING, blind)
        was_moderator = occupant.role is Role.MODERATOR
        room.stand(occupant, role, is_seen=is_seen)
        pieces += telling.pieces(room, occupant, change)
        if role is Role.MODERATOR and not was_moderator:
            pieces += [telling.to_newcomer(room, jid, occupant) for jid in occupant.sessions]
        if was_moderator and role is not Role.MODERATOR:
            pieces += [telling.to_blinded(room, jid, occupant) for jid in occupant.sessions]
        return pieces

    def _tell_absent(self, room: Room, jid: str, affiliation: Affiliation, reason: str) -> None:
        """15.1: a message with 101 to who is not there; to nobody where *jid* is a domain."""
        if "@" not in jid:
            return
        x = user_xml(item_xml(affiliation, Role.NONE, reason=reason), (AFFILIATION_CHANGED,))
        message = room_message(room, x, type=None, id=self._parts.rooms.next_id())
        self._parts.router.route(message.replace(to=jid))


def _is_of(room: Room, bare_jid: str, jid: str) -> bool:
    """Whether an affiliation of *jid*, which may be a domain, is that of an occupant."""
    return bare_jid == jid or (bare_jid.rpartition("@")[2] == jid and bare_jid not in room.affiliations)


def _reason(room: Room, jid: str) -> str:
    return room.affiliations.get(jid, NOBODY).reason


def _is_nothing(affiliated: Affiliated) -> bool:
    return affiliated.affiliation is Affiliation.NONE and not affiliated.nick
