"""Roles and affiliations: XEP-0045 5, its tables as data; who may change whose, from what to what.

Where the XEP leaves it open: a moderator without an affiliation may take the voice of an occupant without one
(8.4 forbids it towards who is "at or above the moderator's level", and who has no affiliation has no level).
"""

from enum import IntEnum
from typing import Final

from xmppd.stanza.errors import StanzaError


class Affiliation(IntEnum):
    """XEP-0045 5.2, from the lowest to the highest; lasts across visits."""

    OUTCAST = 0
    NONE = 1
    MEMBER = 2
    ADMIN = 3
    OWNER = 4

    @property
    def word(self) -> str:
        """How it is written."""
        return self.name.lower()


class Role(IntEnum):
    """XEP-0045 5.1, from the lowest to the highest; lasts for a visit."""

    NONE = 0
    VISITOR = 1
    PARTICIPANT = 2
    MODERATOR = 3

    @property
    def word(self) -> str:
        """How it is written."""
        return self.name.lower()


AFFILIATIONS: Final = {affiliation.word: affiliation for affiliation in Affiliation}
ROLES: Final = {role.word: role for role in Role}

_OUTCAST, _NONE, _MEMBER, _ADMIN, _OWNER = Affiliation
_GONE, _VISITOR, _PARTICIPANT, _MODERATOR = Role

INITIAL_ROLE: Final[dict[bool, dict[Affiliation, Role]]] = {
    True: {_OUTCAST: _GONE, _NONE: _VISITOR, _MEMBER: _PARTICIPANT, _ADMIN: _MODERATOR, _OWNER: _MODERATOR},
    False: {
        _OUTCAST: _GONE,
        _NONE: _PARTICIPANT,
        _MEMBER: _PARTICIPANT,
        _ADMIN: _MODERATOR,
        _OWNER: _MODERATOR,
    },
}
"""5.1.2: the role of who enters, in a moderated room and in others, by affiliation."""

AFFILIATION_CHANGES: Final[dict[Affiliation, dict[Affiliation, Affiliation]]] = {
    _OUTCAST: {_OUTCAST: _ADMIN, _NONE: _ADMIN, _MEMBER: _ADMIN, _ADMIN: _OWNER, _OWNER: _OWNER},
    _NONE: {_OUTCAST: _ADMIN, _NONE: _ADMIN, _MEMBER: _ADMIN, _ADMIN: _OWNER, _OWNER: _OWNER},
    _MEMBER: {_OUTCAST: _ADMIN, _NONE: _ADMIN, _MEMBER: _ADMIN, _ADMIN: _OWNER, _OWNER: _OWNER},
    _ADMIN: {_OUTCAST: _OWNER, _NONE: _OWNER, _MEMBER: _OWNER, _ADMIN: _OWNER, _OWNER: _OWNER},
    _OWNER: {_OUTCAST: _OWNER, _NONE: _OWNER, _MEMBER: _OWNER, _ADMIN: _OWNER, _OWNER: _OWNER},
}
"""5.2.2: from (row) to (column), and the lowest affiliation of who may do it. To stay means another reserved nick."""


class By(IntEnum):
    """Who may change a role (5.1.3)."""

    NOBODY = 0
    MODERATOR = 1
    ADMIN = 2


ROLE_CHANGES: Final[dict[Role, dict[Role, By]]] = {
    _VISITOR: {
        _GONE: By.MODERATOR,
        _VISITOR: By.MODERATOR,
        _PARTICIPANT: By.MODERATOR,
        _MODERATOR: By.ADMIN,
    },
    _PARTICIPANT: {
        _GONE: By.MODERATOR,
        _VISITOR: By.MODERATOR,
        _PARTICIPANT: By.MODERATOR,
        _MODERATOR: By.ADMIN,
    },
    _MODERATOR: {_GONE: By.ADMIN, _VISITOR: By.ADMIN, _PARTICIPANT: By.ADMIN, _MODERATOR: By.ADMIN},
}
"""5.1.3: from (row) to (column), and who may do it, as far as the affiliation of who has the role allows it."""


def check_affiliation_change(actor: Affiliation, before: Affiliation, after: Affiliation) -> None:
    """Raise `StanzaError` unless who has the affiliation *actor* may change another's so (9, 10).

    forbidden where it is for no admin at all to ask, not-allowed where the other has too high a standing (9.1).
    """
    if actor < _ADMIN:
        raise StanzaError("forbidden")
    if actor < AFFILIATION_CHANGES[before][after]:
        raise StanzaError("not-allowed" if before > actor or before == _ADMIN else "forbidden")


def check_role_change(actor: tuple[Affiliation, Role], target: tuple[Affiliation, Role], after: Role) -> None:
    """Raise `StanzaError` unless *actor* may give *target* the role *after* (8.2 – 8.5, 9.6, 9.7)."""
    affiliation, role = actor
    target_affiliation, before = target
    by = ROLE_CHANGES[before][after]
    may = role == _MODERATOR or affiliation >= _ADMIN if by is By.MODERATOR else affiliation >= _ADMIN
    if not may:
        is_moderator = role == _MODERATOR
        raise StanzaError("not-allowed" if is_moderator and before == _MODERATOR else "forbidden")
    if affiliation < target_affiliation:
        raise StanzaError("not-allowed")
    if after == _GONE or after >= before:
        return
    if target_affiliation >= _ADMIN:
        raise StanzaError("not-allowed", "The role of admins and owners cannot be taken away")
    if target_affiliation == affiliation and affiliation > _NONE:
        raise StanzaError("not-allowed")
