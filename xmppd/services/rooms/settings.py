"""What the owners of a room choose (XEP-0045 10.2), and how it is kept: JSON without what is at its default."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
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
    thins_out: bool = True
    """Whether presence of who enters is told to moderators alone while the room is large."""
    get_member_list: tuple[str, ...] = ()
    """The roles that may see the member list, besides admins."""
    history: int = 20
    """Messages that who enters is shown at most."""
    is_archived: bool = True
    contacts: tuple[str, ...] = ()
    slow_mode_s: int = 0
    voice_after_s: int = 0
    """Who has no affiliation may speak so long after entering."""
    lock_nicks: bool = False
    """Whether who has a reserved nick enters by that one alone (XEP-0045 7.10)."""
    welcome: str = ""
    pubsub: str = ""

    @property
    def is_open(self) -> bool:
        """Whether anybody may enter who is not banned."""
        return not (self.is_members_only or self.password)

    @property
    def lets_register(self) -> bool:
        """Whether who registers is a member at once: not where that would let them enter, or speak, who may not."""
        return self.allow_registration and not (
            self.is_members_only or self.is_moderated or self.voice_after_s
        )

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


def changed(settings: RoomSettings, changes: Mapping[str, str]) -> RoomSettings:
    """Give *settings* with others, by their names and as text; ValueError says what is wrong with one."""
    values: dict[str, Any] = {}
    for name, text in changes.items():
        before = getattr(settings, name, None)
        if name.startswith("_") or before is None:
            known = ", ".join(each.name for each in fields(RoomSettings))
            raise ValueError(f"rooms have no setting {name}: there are {known}")
        values[name] = _read(name, text, before)
    return replace(settings, **values)


def written(value: object) -> str:
    """Write a setting as `changed` reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _read(name: str, text: str, before: object) -> object:
    allowed = CHOICES.get(name)
    if isinstance(before, bool):
        if text not in ("true", "false"):
            raise ValueError(f"{name} is true or false")
        return text == "true"
    if isinstance(before, int):
        if not text.isdecimal():
            raise ValueError(f"{name} is a whole number")
        return int(text)
    words = tuple(text.split(",")) if text else ()
    wrong = [each for each in words if allowed is not None and each not in allowed]
    if allowed is not None and (wrong or (not words and isinstance(before, str))):
        raise ValueError(f"{name} is {' or '.join(allowed)}")
    return words if isinstance(before, tuple) else text


CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "whois": (ANYBODY, MODERATORS),
    "allow_pm": tuple(ALLOW_PM),
    "presence_broadcast": ALL_ROLES,
    "get_member_list": ALL_ROLES,
}
"""What settings that are words may be."""


def encode(value: Mapping[str, Any]) -> bytes:
    """Write JSON as short as it goes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def decode(data: bytes) -> dict[str, Any]:
    """Read a JSON object; ValueError."""
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
