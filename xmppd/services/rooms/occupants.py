"""Who is in a room: an occupant has one nick, one account or address behind it, and one session or several."""

from typing import Any

from xmppd.services.rooms.roles import Role
from xmppd.stanza.stanza import Stanza


class Occupant:
    """Somebody under one nick. No session is kept, only the full JIDs."""

    __slots__ = (
        "bare_jid",
        "entered_at",
        "full_jid",
        "id_xml",
        "is_seen",
        "nick",
        "occupant_jid",
        "role",
        "sessions",
        "shown",
    )

    def __init__(self, room: str, nick: str, full_jid: str, role: Role, entered_at: float):
        """*room* is the room's bare JID, *full_jid* that of the first session."""
        self.nick = nick
        self.occupant_jid = f"{room}/{nick}"
        self.bare_jid = full_jid.partition("/")[0]
        self.full_jid = full_jid
        """The session whose presence is shown: the one that sent presence last."""
        self.role = role
        self.sessions: dict[str, Stanza] = {}
        """The last presence of each session, by full JID, without what a room says itself."""
        self.is_seen = True
        """Whether all are told of it, and not moderators alone (muc#roomconfig_presencebroadcast)."""
        self.entered_at = entered_at
        self.id_xml = b""
        """The ``<occupant-id/>`` (XEP-0421) as it is written."""
        self.shown: tuple[Any, Any] | None = None
        """What the wire made of it for who comes later; None when it has to be made anew."""

    @property
    def presence(self) -> Stanza:
        """The presence that is shown."""
        return self.sessions[self.full_jid]

    def set_presence(self, full_jid: str, presence: Stanza) -> None:
        """A session has sent presence, maybe its first; it is the one shown from now on."""
        self.sessions[full_jid] = presence
        self.full_jid = full_jid
        self.shown = None

    def forget(self, full_jid: str) -> bool:
        """A session has left; say whether others remain."""
        self.sessions.pop(full_jid, None)
        self.shown = None
        if self.sessions and full_jid == self.full_jid:
            self.full_jid = next(reversed(self.sessions))
        return bool(self.sessions)
