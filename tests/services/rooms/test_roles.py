"""Roles and affiliations: each cell of the tables of XEP-0045 5, written down once more as the XEP has them."""

from itertools import product
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.roles import (
    INITIAL_ROLE,
    Affiliation,
    Role,
    check_affiliation_change,
    check_role_change,
)
from xmppd.stanza.errors import StanzaError

# 5.2.2, as it is printed: who may change the affiliation of the row to that of the column
STATE_CHART = """
         outcast none  member admin owner
outcast  -       admin admin  owner owner
none     admin   -     admin  owner owner
member   admin   admin -      owner owner
admin    owner   owner owner  -     owner
owner    owner   owner owner  owner -
"""
# 5.1.2: affiliation, role in a moderated room, role in another one
DEFAULT_ROLES = """
none   visitor     participant
member participant participant
admin  moderator   moderator
owner  moderator   moderator
"""


class AffiliationTests(SynchronousTestCase):
    """5.2.2, a test for each cell and each actor."""


class RoleTests(SynchronousTestCase):
    """5.1.2, 5.1.3, 8, 9.6, 9.7: a test for each role, affiliation and actor."""

    def test_initial_roles(self) -> None:
        """5.1.2."""
        for line in DEFAULT_ROLES.split("\n"):
            if line:
                affiliation, moderated, other = line.split()
                row = Affiliation[affiliation.upper()]
                self.assertEqual(INITIAL_ROLE[True][row].word, moderated)
                self.assertEqual(INITIAL_ROLE[False][row].word, other)


def _affiliation_test(actor: Affiliation, before: Affiliation, after: Affiliation, lowest: str) -> Any:
    def test(self: AffiliationTests) -> None:
        may = lowest != "-" and actor >= Affiliation[lowest.upper()]
        if may:
            check_affiliation_change(actor, before, after)
        else:
            error = self.assertRaises(StanzaError, check_affiliation_change, actor, before, after)
            self.assertIn(error.condition, ("forbidden", "not-allowed"))

    test.__doc__ = f"{actor.word}: {before.word} → {after.word}"
    return test


def _may_change_role(actor: tuple[Affiliation, Role], target: tuple[Affiliation, Role], after: Role) -> bool:
    """5.1.3 and the sections that it sums up, in other words than those of the code."""
    affiliation, role = actor
    other, before = target
    is_admin = affiliation >= Affiliation.ADMIN
    if not (is_admin or role is Role.MODERATOR) or other > affiliation:
        return False  # 8.2: nobody acts on who stands higher
    if Role.MODERATOR in (before, after) and not is_admin:
        return False  # 9.6, 9.7: admins make and unmake moderators
    if after is Role.NONE or after >= before:
        return True
    if other >= Affiliation.ADMIN:
        return False  # 8.4, 9.7: admins and owners keep what they have
    return other < affiliation or other is Affiliation.NONE  # 8.4: at the moderator's level


def _role_test(actor: tuple[Affiliation, Role], target: tuple[Affiliation, Role], after: Role) -> Any:
    def test(self: RoleTests) -> None:
        if _may_change_role(actor, target, after):
            check_role_change(actor, target, after)
        else:
            self.assertRaises(StanzaError, check_role_change, actor, target, after)

    test.__doc__ = f"{actor} {target} → {after.word}"
    return test


_HEAD, *_ROWS = [line.split() for line in STATE_CHART.split("\n") if line]
for _row in _ROWS:
    for _column, _cell in zip(_HEAD, _row[1:], strict=True):
        _before, _after = Affiliation[_row[0].upper()], Affiliation[_column.upper()]
        if _cell == "-":
            continue
        for _actor in Affiliation:
            _name = f"test_{_actor.word}_changes_{_before.word}_to_{_after.word}"
            setattr(AffiliationTests, _name, _affiliation_test(_actor, _before, _after, _cell))

_PEOPLE = [(a, r) for a, r in product(Affiliation, Role) if a is not Affiliation.OUTCAST]
for (_who, _target), _wanted in product(product(_PEOPLE, _PEOPLE), Role):
    if _target[1] is not Role.NONE:
        _words = "_".join(each.word for each in (*_who, *_target, _wanted))
        setattr(RoleTests, f"test_{_words}", _role_test(_who, _target, _wanted))
