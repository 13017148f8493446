"""What the owners of a room choose (XEP-0045 10.2), and how it is kept: JSON without what is at its default."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from xmppd.services.rooms.roles import Role

ALL_ROLES: Final = (Role.MODERATOR.word, Role.PARTICIPANT.word, Role.VISITOR.word)
ANYBODY, VOICED, MODERATORS, NOBODY = "anyone", "participants", "moderators", "none"
ALLOW_PM: Final = {
    ANYBODY: Role.VISITOR,
    VOICED: Role.PARTICIPANT,
    MODERATORS: Role.MODERATOR,
    NOBODY: None,
}
"""Who may send private messages (7.5): the lowest role."""


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """One room's; see the form in `xmppd.modules.muc.form` for what each means."""

    name: str = ""
    description: str = ""
    language: str = ""
    is_persistent: bool = False
    is_public: bool = True
    is_members_only: bool = False
    is_moderated: bool = False
    password: str = ""
    """Empty where everybody may enter without one."""
    whois: str = MODERATORS
    change_subject: bool = False
    allow_invites: bool = False
    allow_pm: str = ANYBODY
    allow_registration: bool = True
    allow_voice_requests: bool = True
    max_users: int = 0
    """0 is as many as the service allows."""
    presence_broadcast: tuple[str, ...] = ALL_ROLES
    get_member_list: tuple[str, ...] = ()
    """The roles that may see the member list, besides admins."""
    history: int = 20
    """Messages that who enters is shown at most."""
    is_archived: bool = True
    contacts: tuple[str, ...] = ()
    slow_mode_s: int = 0
    voice_after_s: int = 0
    """Who has no affiliation may speak so long after entering."""
    welcome: str = ""
    pubsub: str = ""

    @property
    def is_anonymous(self) -> bool:
        """Whether moderators alone see who the occupants are (semi-anonymous)."""
        return self.whois != ANYBODY


DEFAULTS: Final = RoomSettings()


def to_mapping(settings: RoomSettings) -> dict[str, Any]:
    """Give what differs from the defaults of this program, fit for JSON."""
    return {
        each.name: getattr(settings, each.name)
        for each in fields(RoomSettings)
        if getattr(settings, each.name) != getattr(DEFAULTS, each.name)
    }


def from_mapping(data: Mapping[str, Any]) -> RoomSettings:
    """Read what `to_mapping` gave; ValueError for what is none of it. What a newer program has added is left out."""
    known = {each.name: each for each in fields(RoomSettings)}
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name not in known:
            continue
        default = getattr(DEFAULTS, name)
        if isinstance(default, tuple):
            value = tuple(value)
        if type(value) is not type(default):
            raise ValueError(f"the setting {name} of a room is {value!r}")
        values[name] = value
    return RoomSettings(**values)


def encode(value: Mapping[str, Any]) -> bytes:
    """Write JSON as short as it goes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def decode(data: bytes) -> dict[str, Any]:
    """Read a JSON object; ValueError."""
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
