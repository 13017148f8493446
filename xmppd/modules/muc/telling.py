"""Tells occupants: who hears what, in which order (XEP-0045 7.1, 7.2.2).

All that a room says leaves by one lane (`xmppd.services.recipients`), so that every occupant sees the same order. What
a piece of work says, and to whom, is settled when the room changes, not when its turn comes: who enters is shown the
room as it was then, and hears all later changes behind that. What a request has set off waits for its result where the
XEP wants that order (8.2 – 8.4, 9): until the next turn, or until something else is said in the room.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from xmppd.core.fanout import Fanout
from xmppd.core.timers import Timers
from xmppd.core.turns import Steps
from xmppd.core.waiting import Waiting
from xmppd.modules.muc.view import PLAIN, Change, presence_of
from xmppd.services.recipients import ForOne, Recipients
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Role
from xmppd.services.rooms.room import Room
from xmppd.stanza.stanza import Stanza

Lost = Callable[[Room, Sequence[str]], None]
GONE: Final = Change("unavailable")
NO_PAYLOAD: Final = Stanza.make("presence")


class Telling:
    """Sends what rooms say."""

    def __init__(self, recipients: Recipients, timers: Timers, lost: Lost):
        """*lost* is told of full JIDs that cannot be reached any more."""
        self._recipients = recipients
        self._timers = timers
        self._lost = lost
        self._behind: dict[Room, list[Steps]] = {}
        """What waits for the result of a request."""

    def all(self, room: Room, stanza: Stanza) -> Waiting:
        """Send *stanza* to all who are there; what is given is waited for before the sender's next stanza."""
        if self._behind:
            self._go_on(room)
        return self._recipients.send(
            room.address.bare, stanza, room.takers, lambda missing: self._lost(room, missing)
        )

    def some(self, room: Room, stanza: Stanza, takers: Iterable[str]) -> Waiting:
        """Send *stanza* to some of them."""
        return self.run(room, self.to(room, stanza, tuple(takers)))

    def run(self, room: Room, *pieces: Steps) -> Waiting:
        """Do this work behind all that was said before."""
        if self._behind:
            self._go_on(room)
        return self._recipients.run(room.address.bare, *pieces) if pieces else None

    def behind(self, room: Room, *pieces: Steps) -> None:
        """Do this work behind the result of the request that is dealt with now, in its place among all else."""
        if not self._behind:
            self._timers.add(0.0, self._answered)
        self._behind.setdefault(room, []).extend(pieces)

    def _answered(self, now: float, timer: object, param: object) -> None:
        for room in list(self._behind):
            self._go_on(room)

    def _go_on(self, room: Room) -> None:
        pieces = self._behind.pop(room, None)
        if pieces:
            self._recipients.run(room.address.bare, *pieces)

    def presence(
        self,
        room: Room,
        occupant: Occupant,
        change: Change = PLAIN,
        payload: Stanza | None = None,
        own: Sequence[str] | None = None,
    ) -> Waiting:
        """Tell all how an occupant is now, itself too, whose sessions are *own* where they have left already."""
        return self.run(room, *self.pieces(room, occupant, change, payload, own))

    def pieces(
        self,
        room: Room,
        occupant: Occupant,
        change: Change = PLAIN,
        payload: Stanza | None = None,
        own: Sequence[str] | None = None,
    ) -> list[Steps]:
        """Give that work: first the others, then oneself (7.2.2)."""
        payload = occupant.presence if payload is None else payload
        own = tuple(occupant.sessions) if own is None else own
        return [
            *self.to_others(room, occupant, change, payload, frozenset(own)),
            *(self.to_self(room, occupant, change, payload, jid) for jid in own),
        ]

    def to_others(
        self, room: Room, occupant: Occupant, change: Change, payload: Stanza, own: frozenset[str]
    ) -> Iterator[Steps]:
        """Give the work of telling those who are not *own*: with the JID for those who may see it."""
        seeing, others = self._audience(room, occupant, own)
        for takers, with_jid in ((seeing, True), (others, False)):
            if takers:
                stanza = presence_of(room, occupant, payload, change, with_jid=with_jid)
                yield self.to(room, stanza, takers)

    def to_self(self, room: Room, occupant: Occupant, change: Change, payload: Stanza, jid: str) -> Steps:
        """Give the work of telling one session how it is seen: with 110, and its own JID."""
        stanza = presence_of(room, occupant, payload, change, with_jid=True, is_self=True, jid=jid)
        return self.to(room, stanza, (jid,))

    def to_newcomer(self, room: Room, jid: str, newcomer: Occupant) -> Steps:
        """Give the work of showing a session who else is there."""
        with_jid = room.sees_jids(newcomer)
        those = room.occupants.values() if newcomer.role is Role.MODERATOR else room.seen
        shown = [_shown(room, each, with_jid) for each in those if each is not newcomer]
        return self.to_one(room, jid, shown)

    def to_blinded(self, room: Room, jid: str, occupant: Occupant) -> Steps:
        """Give the work of telling a session that those are gone whom only a moderator sees."""
        gone = [
            presence_of(room, each, NO_PAYLOAD, GONE, with_jid=False)
            for each in room.occupants.values()
            if each is not occupant and not each.is_seen
        ]
        return self.to_one(room, jid, gone)

    def to_one(self, room: Room, jid: str, stanzas: Iterable[ForOne]) -> Steps:
        """Give the work of sending several stanzas to one session."""
        return self._recipients.steps_to(
            jid, room.address, stanzas, lambda missing: self._lost(room, missing)
        )

    def to(self, room: Room, stanza: Stanza, takers: Sequence[str]) -> Steps:
        """Give the work of sending *stanza* to some."""
        return self._recipients.steps(stanza, takers, lambda missing: self._lost(room, missing))

    def _audience(
        self, room: Room, occupant: Occupant, own: frozenset[str]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Split who is told of an occupant into those who see its JID and those who do not."""
        moderators = tuple([jid for each in room.moderators for jid in each.sessions if jid not in own])
        if not occupant.is_seen:
            return moderators, ()
        if not room.settings.is_anonymous:
            return tuple([jid for jid in room.takers if jid not in own]), ()
        told = own.union(moderators)
        return moderators, tuple([jid for jid in room.takers if jid not in told])


def is_broadcast(room: Room, role: Role, large: int) -> bool:
    """Whether all are told of who has this role from now on (muc#roomconfig_presencebroadcast).

    With more than *large* occupants that is moderators alone, unless the owner wants otherwise. Who was told of before
    goes on being told of: nobody is left with a picture of somebody who has gone.
    """
    if role.word not in room.settings.presence_broadcast:
        return False
    is_thin = room.settings.thins_out and len(room.occupants) > large
    return role is Role.MODERATOR or not is_thin


def _shown(room: Room, occupant: Occupant, with_jid: bool) -> ForOne:
    """Give an occupant's presence for who comes later, made once as long as it is the same; for many that takes turns.

    What is made later than it was asked for is as things are then, and what has changed meanwhile is told behind it.
    """
    fanout: Fanout | None = occupant.shown[with_jid] if occupant.shown is not None else None
    return partial(_make_shown, room, occupant, occupant.presence, with_jid) if fanout is None else fanout


def _make_shown(room: Room, occupant: Occupant, payload: Stanza, with_jid: bool) -> Fanout:
    known = occupant.shown or (None, None)
    fanout: Fanout | None = known[with_jid]
    if fanout is None:
        fanout = Fanout(presence_of(room, occupant, payload, with_jid=with_jid))
        if occupant.sessions and occupant.presence is payload:
            occupant.shown = (known[0], fanout) if with_jid else (fanout, known[1])
    return fanout
