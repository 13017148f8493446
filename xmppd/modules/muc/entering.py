"""Entering, being there, leaving: XEP-0045 7.2, 7.6, 7.7, 7.14; who is removed without having asked (12, 15.1.2).

A room asks first and lets in afterwards: nothing waits between the last question and the occupant's being there.
"""

import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.domains.door import Taken
from xmppd.core.events import Traffic
from xmppd.core.waiting import deferred, spawn
from xmppd.modules.muc.history import history_of, read_wanted, subject_of
from xmppd.modules.muc.nicks import check_nick
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.telling import is_broadcast
from xmppd.modules.muc.view import (
    CREATED,
    JOIN,
    KICKED,
    LOGGED,
    LOST,
    NEW_NICK,
    NICK_CHANGED_BY_SERVICE,
    NON_ANONYMOUS,
    NS,
    PLAIN,
    SELF,
    SHUT_DOWN,
    Change,
    cleaned,
    item_xml,
    occupant_id_xml,
    update_of,
    user_xml,
)
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.rooms import RoomExists
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import InvalidJID, prepare_resourcepart, stringprep_disagrees
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import StorageError

NOTHING: Final = Stanza.make("presence")
LEFT: Final = Change("unavailable")
UNREACHABLE: Final = Change("unavailable", (LOST,))


class Entering:
    """Lets in, and out."""

    def __init__(self, parts: MucParts):
        self._parts = parts
        self._rooms = parts.rooms
        self._telling = parts.telling

    def presence(self, traffic: Traffic) -> Taken:
        """Deal with presence to a room or to a nick in it."""
        stanza, target = traffic.stanza, traffic.target
        room = self._rooms.loaded.get(target.bare)
        occupant = None if room is None else room.by_jid.get(traffic.sender.full)
        if stanza.type is not None:
            if room is not None and occupant is not None and stanza.type == "unavailable":
                self.leave(room, traffic.sender.full, cleaned(stanza, target.bare))
            return True  # 14.3 rules 1, 2 and 5: all else neither enters nor leaves
        if target.resourcepart is None:
            raise StanzaError("jid-malformed", "A nick has to be chosen")
        if room is not None and occupant is not None:
            return self._is_there(traffic, room, occupant)
        if JOIN not in stanza.child_names:
            return self._is_not_there(traffic)
        if room is None or room.is_closing:
            return self._arrive(traffic)
        return _taken(self._enter(traffic, room))

    # -- entering (7.2) -----------------------------------------------------------------------------------------------

    @deferred
    async def _arrive(self, traffic: Traffic) -> bool:
        """Enter a room that is not in memory, or that is not there yet."""
        address, owner = traffic.target.with_resource(None), traffic.sender.bare
        room, is_new = await self._rooms.open(address), False
        while room is None:
            self._check_new(traffic)
            options = self._parts.options
            made = await self._rooms.made_by(address.domainpart, owner)
            if made >= options.rooms_per_user and not self._parts.is_admin(owner):
                raise StanzaError("resource-constraint", "You have made too many rooms", type="wait")
            settings = options.settings(is_persistent=options.persistent)
            try:
                room = await self._rooms.create(address, owner, settings, is_locked=options.lock)
                is_new = True
            except RoomExists:
                room = await self._rooms.open(address)
        waiting = self._enter(traffic, room, is_new)
        if waiting is not None:
            await waiting
        return True

    def _check_new(self, traffic: Traffic) -> None:
        """Raise `StanzaError` unless the sender may make the room (10.1.1)."""
        parts, sender, name = self._parts, traffic.sender, traffic.target.localpart or ""
        if not parts.roles.may_make(parts.host, sender, parts.options.create):
            raise StanzaError("not-allowed", "You may not make rooms here")
        if stringprep_disagrees(name):
            raise StanzaError("not-acceptable", "A room cannot have this name")
        check_nick(traffic.target.resourcepart or "", parts.options.nick_chars)

    def _enter(self, traffic: Traffic, room: Room, is_new: bool = False) -> Deferred[None] | None:
        join = traffic.stanza.child("x", NS)
        assert join is not None, "whoever enters says so"
        full_jid, bare_jid = traffic.sender.full, traffic.sender.bare
        self._check_pace(room, bare_jid)
        affiliation, wanted = room.affiliation(bare_jid), traffic.target.resourcepart or ""
        self._check_entry(room, bare_jid, affiliation, join)
        nick = _nick(room, bare_jid, wanted)
        self.check_nick(room, bare_jid, nick)
        occupant = room.occupants.get(nick)
        if occupant is None:
            self._check_size(room, affiliation)
            role = room.initial_role(affiliation)
            occupant = Occupant(room.address.bare, nick, full_jid, role, self._rooms.now())
            occupant.id_xml = occupant_id_xml(room, bare_jid)
        room.enter(occupant, full_jid, cleaned(traffic.stanza, room.address.bare))
        if len(occupant.sessions) == 1:
            is_seen = is_broadcast(room, occupant.role, self._parts.options.large)
            room.stand(occupant, occupant.role, is_seen=is_seen)
        if not self._parts.router.is_here(bare_jid):
            self._rooms.remote_entered(room, full_jid, traffic.changes)
            self._parts.remotes.entered(full_jid, room.address.bare)
        traffic.undo_with(lambda: self._send_away(room, occupant, full_jid))
        own = (*((CREATED,) if is_new else ()), *((NICK_CHANGED_BY_SERVICE,) if nick != wanted else ()))
        return self._welcome(room, occupant, full_jid, join, own)

    def _send_away(self, room: Room, occupant: Occupant, full_jid: str) -> None:
        """Who has entered hears that it could not, and is there no more."""
        if room.by_jid.get(full_jid) is occupant:
            self.leave(room, full_jid, change=UNREACHABLE)

    def _check_pace(self, room: Room, bare_jid: str) -> None:
        """13.6: presence goes to all, so that nobody may send much of it."""
        allowed = self._parts.options.presence_per_minute
        if allowed and not room.pace.take_presence(bare_jid, allowed, self._rooms.now()):
            raise StanzaError("policy-violation", "You come and change too often", type="wait")

    def _check_entry(self, room: Room, bare_jid: str, affiliation: Affiliation, join: Element) -> None:
        """Raise `StanzaError` unless somebody may enter (7.2.5 – 7.2.10)."""
        settings, is_owner = room.settings, self._parts.standing(room, bare_jid) is Affiliation.OWNER
        if room.is_locked and not is_owner:
            raise StanzaError("item-not-found", "The room is not configured yet")
        if affiliation is Affiliation.OUTCAST:
            reason = room.affiliations.get(bare_jid)
            raise StanzaError("forbidden", (reason and reason.reason) or "You are banned from this room")
        if settings.is_members_only and affiliation < Affiliation.MEMBER and not is_owner:
            raise StanzaError("registration-required", "Only members may enter")
        given = (join.child_text("password", NS) or "").encode()
        if settings.password and not hmac.compare_digest(given, settings.password.encode()):
            raise StanzaError("not-authorized", "The password is missing or wrong")

    def check_nick(self, room: Room, bare_jid: str, nick: str) -> None:
        """Raise `StanzaError` unless somebody may have a nick (7.2.8, 7.6)."""
        check_nick(nick, self._parts.options.nick_chars)
        holder = room.occupants.get(nick)
        if holder is not None and holder.bare_jid != bare_jid:
            raise StanzaError("conflict", "Somebody else has this nick")
        if room.looks_like(nick, bare_jid) is not None:
            raise StanzaError("conflict", "Somebody else has a nick that looks like this one")
        if room.reserved_for(nick) not in (None, bare_jid):
            raise StanzaError("conflict", "This nick is reserved for somebody else")

    def _check_size(self, room: Room, affiliation: Affiliation) -> None:
        """7.2.9: admins and owners get in all the same."""
        limit = min(
            room.settings.max_users or self._parts.options.max_occupants, self._parts.options.max_occupants
        )
        if len(room.occupants) >= limit and affiliation < Affiliation.ADMIN:
            raise StanzaError("service-unavailable", "The room is full", type="wait")

    def _welcome(
        self, room: Room, occupant: Occupant, full_jid: str, join: Element, own: tuple[int, ...]
    ) -> Deferred[None] | None:
        """Tell the newcomer and all others, in the order of 7.1."""
        telling, payload, sessions = self._telling, occupant.presence, frozenset(occupant.sessions)
        own = (*_warnings(room), *own)
        history = history_of(room, read_wanted(join, self._rooms.now()))
        return telling.run(
            room,
            telling.to_newcomer(room, full_jid, occupant),
            *telling.to_others(room, occupant, PLAIN, payload, sessions),
            *(
                telling.to_self(room, occupant, PLAIN, payload, jid)
                for jid in occupant.sessions
                if jid != full_jid
            ),
            telling.to_self(room, occupant, Change(own_statuses=own), payload, full_jid),
            telling.to_one(room, full_jid, [*_picture(room), *history, subject_of(room), *_greeting(room)]),
        )

    # -- being there --------------------------------------------------------------------------------------------------

    def _is_there(self, traffic: Traffic, room: Room, occupant: Occupant) -> Taken:
        """Presence of an occupant: another nick (7.6), everything once more (14.3 rule 3), or a change (7.7)."""
        self._check_pace(room, occupant.bare_jid)
        nick, full_jid = traffic.target.resourcepart or "", traffic.sender.full
        payload = cleaned(traffic.stanza, room.address.bare)
        if nick != occupant.nick:
            return _taken(self._rename(traffic, room, occupant, nick, payload))
        is_changed = payload.inner != occupant.presence.inner or occupant.full_jid != full_jid
        if not occupant.is_seen and is_broadcast(room, occupant.role, self._parts.options.large):
            room.stand(occupant, occupant.role, is_seen=True)
            is_changed = True
        occupant.set_presence(full_jid, payload)
        join = traffic.stanza.child("x", NS)
        if join is None:
            return _taken(self._telling.presence(room, occupant))
        telling = self._telling
        others = telling.pieces(room, occupant, own=()) if is_changed else []
        history = history_of(room, read_wanted(join, self._rooms.now()))
        waiting = telling.run(
            room,
            *others,
            telling.to_newcomer(room, full_jid, occupant),
            telling.to_self(room, occupant, Change(own_statuses=_warnings(room)), payload, full_jid),
            telling.to_one(room, full_jid, [*_picture(room), *history, subject_of(room)]),
        )
        return _taken(waiting)

    def _rename(
        self, traffic: Traffic, room: Room, occupant: Occupant, nick: str, payload: Stanza
    ) -> Deferred[None] | None:
        """7.6: unavailable with the new nick and 303, then the new one; all sessions of the occupant change it."""
        self.check_nick(room, occupant.bare_jid, nick)
        if _nick(room, occupant.bare_jid, nick) != nick:
            raise StanzaError("not-acceptable", "You are here by the nick that is reserved for you")
        if nick in room.occupants:
            raise StanzaError("conflict", "Another of your clients has this nick")
        known_as = occupant.nick
        waiting = self._call(room, occupant, nick, traffic.sender.full, payload)
        if not self._parts.router.is_here(occupant.bare_jid):
            for jid in occupant.sessions:
                self._rooms.remote_entered(room, jid, traffic.changes)
        traffic.undo_with(lambda: self._call_as_before(room, occupant, nick, known_as))
        return waiting

    def _call(
        self, room: Room, occupant: Occupant, nick: str, full_jid: str, payload: Stanza
    ) -> Deferred[None] | None:
        before = self._telling.pieces(room, occupant, Change("unavailable", (NEW_NICK,), nick=nick), NOTHING)
        room.rename(occupant, nick)
        occupant.set_presence(full_jid, payload)
        return self._telling.run(room, *before, *self._telling.pieces(room, occupant))

    def _call_as_before(self, room: Room, occupant: Occupant, nick: str, known_as: str) -> None:
        """Who has changed the nick hears that it could not."""
        if room.occupants.get(nick) is occupant and known_as not in room.occupants:
            self._call(room, occupant, known_as, occupant.full_jid, occupant.presence)

    def _is_not_there(self, traffic: Traffic) -> Taken:
        """7.2.19: who is not there and does not say that it wants to enter has lost track, and is told so."""
        item = item_xml(Affiliation.NONE, Role.NONE, reason="You are not in the room.")
        x = user_xml(item, (SELF, KICKED, LOST))
        gone = Stanza.make(
            "presence", x, from_=traffic.target.full, to=traffic.sender.full, type="unavailable"
        )
        waiting = self._parts.router.forward(traffic, gone, traffic.sender)
        return True if waiting is None else waiting.addCallback(lambda _: True)

    # -- leaving (7.14) -----------------------------------------------------------------------------------------------

    def leave(
        self, room: Room, full_jid: str, payload: Stanza = NOTHING, change: Change = LEFT
    ) -> Deferred[None] | None:
        """A session is no longer there; all are told, once its occupant has no other."""
        occupant = room.by_jid[full_jid]
        was_shown = occupant.full_jid == full_jid
        stays = room.leave(full_jid)
        self._forget(room, full_jid)
        telling = self._telling
        if room.is_locked and not room.occupants:
            change = replace(change, more="<destroy/>")  # 10.1.3: it was never configured
        pieces = [telling.to_self(room, occupant, change, payload, full_jid)]
        if not stays:
            pieces += telling.to_others(room, occupant, change, payload, frozenset())
        elif was_shown:
            pieces += telling.pieces(room, occupant)
        waiting = telling.run(room, *pieces)
        self.emptied(room)
        return waiting

    def remove(self, room: Room, occupant: Occupant, change: Change, *, is_told_first: bool = False) -> None:
        """Remove an occupant with all its sessions, and tell all why (8.2, 9.1, 9.4), behind the result of a request.

        With *is_told_first* the occupant hears it before that.
        """
        sessions = tuple(occupant.sessions)
        for jid in sessions:
            room.leave(jid)
            self._forget(room, jid)
        occupant.full_jid = sessions[-1]
        telling = self._telling
        tell_it = telling.run if is_told_first else telling.behind
        tell_it(room, *(telling.to_self(room, occupant, change, NOTHING, jid) for jid in sessions))
        telling.behind(room, *telling.to_others(room, occupant, change, NOTHING, frozenset(sessions)))
        self.emptied(room)

    def _forget(self, room: Room, full_jid: str) -> None:
        if not self._parts.router.is_here(full_jid.partition("/")[0]):
            self._rooms.remote_left(room, full_jid)
            self._parts.remotes.left(full_jid, room.address.bare)

    def shut_down(self) -> None:
        """Tell all that the service ends (12.2); rooms leave memory, and stay as they are stored."""
        x = user_xml(item_xml(Affiliation.NONE, Role.NONE), (SELF, SHUT_DOWN))
        for room in self._rooms.of_service(self._parts.host.name):
            for full_jid, occupant in list(room.by_jid.items()):
                room.leave(full_jid)
                gone = Stanza.make("presence", x, from_=occupant.occupant_jid, type="unavailable")
                self._telling.some(room, gone, (full_jid,))
            self._rooms.let_go(room)

    def lost(self, room: Room, missing: Sequence[str]) -> None:
        """Sessions that cannot be reached are there no more (12.1): so no ghosts stay."""
        for full_jid in missing:
            if full_jid in room.by_jid:
                self.leave(room, full_jid, change=UNREACHABLE)

    def emptied(self, room: Room) -> None:
        """Destroy a temporary room that the last occupant has left (7.14); others may leave memory later."""
        if room.occupants:
            return
        room.idle_since = self._rooms.now()
        if not room.is_staying and not room.is_closing:
            spawn("ending a temporary room", self._end(room))

    async def _end(self, room: Room) -> None:
        async with room.lock:
            if room.occupants or room.is_gone or room.is_staying:
                return
            with suppress(StorageError):  # it is tried again when it is swept, or after the next who leaves
                await self._rooms.destroy(room, None)


def _nick(room: Room, bare_jid: str, wanted: str) -> str:
    """7.10: the nick by which somebody enters, which is the reserved one where the room has it so."""
    known = room.affiliations.get(bare_jid) if room.settings.lock_nicks else None
    if known is not None and known.nick:
        with suppress(InvalidJID):  # what was imported may be no nick
            return prepare_resourcepart(known.nick)
    return wanted


def _warnings(room: Room) -> tuple[int, ...]:
    """What who enters is warned of: all see who it is (7.2.3), what is said is kept (7.2.12)."""
    settings = room.settings
    return (
        *((NON_ANONYMOUS,) if not settings.is_anonymous else ()),
        *((LOGGED,) if settings.is_archived else ()),
    )


def _greeting(room: Room) -> list[Stanza]:
    """What the owners let newcomers be told."""
    text = room.settings.welcome
    if not text:
        return []
    body = Element("body", CLIENT, None, [text])
    return [Stanza.make("message", body, from_=room.address.bare, type="groupchat")]


def _picture(room: Room) -> list[Stanza]:
    """The hash of the room's picture, where it has one (XEP-0486 4.2)."""
    return [update_of(room)] if room.avatar_hashes else []


def _taken(waiting: Deferred[None] | None) -> Taken:
    return True if waiting is None else waiting.addCallback(lambda _: True)
