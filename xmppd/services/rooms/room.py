"""One room in memory: its settings, who has which affiliation, who is there, and what was said last."""

import hmac
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from twisted.internet.defer import DeferredLock

from xmppd.services.rooms.activity import Activity
from xmppd.services.rooms.hats import NO_HATS
from xmppd.services.rooms.likeness import likeness
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.pace import Pace
from xmppd.services.rooms.roles import INITIAL_ROLE, Affiliation, Role
from xmppd.services.rooms.settings import RoomSettings
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

KEPT: Final = 100
"""Messages in memory for who enters; a room shows no more than these."""


class Affiliated(NamedTuple):
    """What is kept of somebody with an affiliation."""

    affiliation: Affiliation
    nick: str = ""
    """The nick reserved for them (XEP-0045 7.10)."""
    reason: str = ""


class Said(NamedTuple):
    """A message as it went to the occupants."""

    id: str
    at: float
    stanza: Stanza
    by: str
    """The full JID of who sent it."""


class Subject(NamedTuple):
    """The subject, as the message that set it."""

    stanza: Stanza
    at: float


class Room:
    """One room. It changes in one step with what is stored of it, by `xmppd.services.rooms.rooms` alone.

    Who is there is not stored, and changes by the methods here.
    """

    __slots__ = (
        "_alike",
        "_pace",
        "_reserved",
        "_takers",
        "activity",
        "address",
        "affiliations",
        "avatar",
        "avatar_hashes",
        "by_jid",
        "created_at",
        "creator",
        "hats",
        "history",
        "idle_since",
        "is_closing",
        "is_gone",
        "is_locked",
        "lock",
        "moderators",
        "occupants",
        "secret",
        "seen",
        "settings",
        "subject",
    )

    def __init__(
        self, address: JID, settings: RoomSettings, secret: bytes, created_at: float, creator: str = ""
    ):
        """*secret* makes the occupants' ids (XEP-0421 4.1); it is stored with the room."""
        self.address = address
        self.settings = settings
        self.secret = secret
        self.created_at = created_at
        self.creator = creator
        """The bare JID of who made it."""
        self.affiliations: dict[str, Affiliated] = {}
        """By bare JID, or by domain for everybody there; who has none is not in it. See `set_affiliated`."""
        self._reserved: dict[str, dict[str, str]] = {}
        """Reserved nicks by bare JID, by what they look like."""
        self.subject: Subject | None = None
        self.avatar = b""
        """The room's vCard (XEP-0486)."""
        self.avatar_hashes: tuple[str, ...] = ()
        """The SHA-1 of each picture in it."""
        self.hats = NO_HATS
        self.history: deque[Said] = deque(maxlen=KEPT)
        self.is_locked = False
        """Whether its owner has not configured it yet (10.1.1)."""
        self.is_closing = False
        """Whether it is being destroyed: nothing is said in it any more."""
        self.is_gone = False
        self.idle_since = created_at
        self.lock = DeferredLock()
        """Held by who changes what is stored."""
        self._pace: Pace | None = None
        self.activity = Activity(created_at)
        self.occupants: dict[str, Occupant] = {}
        self.by_jid: dict[str, Occupant] = {}
        self.moderators: dict[Occupant, None] = {}
        """Who sees everybody."""
        self.seen: dict[Occupant, None] = {}
        """Whom all see (muc#roomconfig_presencebroadcast)."""
        self._alike: dict[str, str] = {}
        """The nicks that are in use, by their likeness."""
        self._takers: tuple[str, ...] | None = None

    @property
    def is_staying(self) -> bool:
        """Whether it stays when nobody is in it; one that was never configured does not (10.1.3)."""
        return self.settings.is_persistent and not self.is_locked

    # -- who may what -------------------------------------------------------------------------------------------------

    def affiliation(self, bare_jid: str) -> Affiliation:
        """Give somebody's affiliation: their own, else that of their domain."""
        known = self.affiliations.get(bare_jid)
        if known is None:
            known = self.affiliations.get(bare_jid.rpartition("@")[2])
        return Affiliation.NONE if known is None else known.affiliation

    def affiliated(self, affiliation: Affiliation) -> Iterator[tuple[str, Affiliated]]:
        """Give who has this affiliation, by bare JID."""
        return ((jid, each) for jid, each in self.affiliations.items() if each.affiliation is affiliation)

    @property
    def owners(self) -> list[str]:
        """Who owns it."""
        return [jid for jid, _ in self.affiliated(Affiliation.OWNER)]

    def initial_role(self, affiliation: Affiliation) -> Role:
        """Give the role of who enters (5.1.2)."""
        return INITIAL_ROLE[self.settings.is_moderated][affiliation]

    def reserved_for(self, nick: str) -> str | None:
        """Give the bare JID for which a nick is reserved (7.10), or one that looks like it; None for nobody's."""
        alike = self._reserved.get(likeness(nick), {})
        return next((jid for jid, each in alike.items() if each == nick), next(iter(alike), None))

    def set_affiliated(self, bare_jid: str, affiliated: Affiliated | None) -> None:
        """Somebody has another affiliation or another reserved nick from now on; None for who has neither."""
        before = self.affiliations.get(bare_jid)
        if before is not None and before.nick:
            alike = self._reserved[likeness(before.nick)]
            del alike[bare_jid]
            if not alike:
                del self._reserved[likeness(before.nick)]
        if affiliated is None:
            self.affiliations.pop(bare_jid, None)
            return
        self.affiliations[bare_jid] = affiliated
        if affiliated.nick:
            self._reserved.setdefault(likeness(affiliated.nick), {})[bare_jid] = affiliated.nick

    def looks_like(self, nick: str, bare_jid: str) -> str | None:
        """Give a nick of somebody else that looks like *nick*; None where there is none."""
        other = self._alike.get(likeness(nick))
        occupant = self.occupants.get(other) if other is not None else None
        return other if occupant is not None and occupant.bare_jid != bare_jid else None

    def sees_jids(self, occupant: Occupant) -> bool:
        """Whether an occupant is shown who the others are (7.2.3, 7.2.4)."""
        return not self.settings.is_anonymous or occupant.role is Role.MODERATOR

    def occupant_id(self, bare_jid: str) -> str:
        """Give the id that somebody always has in this room, and that does not tell who it is (XEP-0421 4.1)."""
        return hmac.digest(self.secret, bare_jid.encode(), "sha256").hex()

    @property
    def pace(self) -> Pace:
        """How much is said, and by whom."""
        if self._pace is None:
            self._pace = Pace()
        return self._pace

    # -- what was said ------------------------------------------------------------------------------------------------

    def replace_said(self, id: str, stanza: Stanza) -> Stanza | None:
        """Show who enters later *stanza* in the place of a message; give what was there, None where it is not shown."""
        for index, said in enumerate(self.history):
            if said.id == id:
                self.history[index] = said._replace(stanza=stanza)
                return said.stanza
        return None

    def unsay(self, said: Said) -> None:
        """Show it to nobody who enters later: it could not be kept."""
        kept = [each for each in self.history if each.id != said.id]
        self.history.clear()
        self.history.extend(kept)

    # -- who is there -------------------------------------------------------------------------------------------------

    @property
    def takers(self) -> tuple[str, ...]:
        """The full JIDs of all sessions that are there."""
        if self._takers is None:
            self._takers = tuple(self.by_jid)
        return self._takers

    def enter(self, occupant: Occupant, full_jid: str, presence: Stanza) -> None:
        """A session of *occupant* is there from now on."""
        occupant.set_presence(full_jid, presence)
        self.occupants[occupant.nick] = occupant
        self._alike[likeness(occupant.nick)] = occupant.nick
        self.by_jid[full_jid] = occupant
        self._takers = None

    def leave(self, full_jid: str) -> bool:
        """A session is there no more; say whether its occupant still is."""
        occupant = self.by_jid.pop(full_jid)
        self._takers = None
        if occupant.forget(full_jid):
            return True
        self._forget(occupant.nick)
        self.moderators.pop(occupant, None)
        self.seen.pop(occupant, None)
        return False

    def stand(self, occupant: Occupant, role: Role, *, is_seen: bool) -> None:
        """An occupant has this role, and all are told of it or moderators alone, from now on."""
        occupant.role, occupant.is_seen, occupant.shown = role, is_seen, None
        for those, is_of_them in ((self.moderators, role is Role.MODERATOR), (self.seen, is_seen)):
            if is_of_them:
                those.setdefault(occupant)
            else:
                those.pop(occupant, None)

    def rename(self, occupant: Occupant, nick: str) -> None:
        """An occupant has another nick from now on."""
        self._forget(occupant.nick)
        occupant.nick, occupant.occupant_jid = nick, f"{self.address.bare}/{nick}"
        occupant.shown = None
        self.occupants[nick] = occupant
        self._alike[likeness(nick)] = nick

    def _forget(self, nick: str) -> None:
        del self.occupants[nick]
        if self._alike.get(likeness(nick)) == nick:
            del self._alike[likeness(nick)]
