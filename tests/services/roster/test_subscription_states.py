"""RFC 6121 Appendix A, cell by cell: the tables as the RFC prints them, against what the service does."""

from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.services.roster.rosters import JULIET, ROMEO, RosterWorld, pushes
from xmppd.services.roster import subscription_states as states
from xmppd.services.roster.subscription_states import State

NAMES = {
    "None": states.NONE,
    "None + Pending Out": states.NONE_OUT,
    "None + Pending In": states.NONE_IN,
    "None + Pending Out+In": states.NONE_OUT_IN,
    "To": states.TO,
    "To + Pending In": states.TO_IN,
    "From": states.FROM,
    "From + Pending Out": states.FROM_OUT,
    "Both": states.BOTH,
}
SAME = "no state change"

# Each row: existing state | routed or delivered | new state
OUTBOUND = {
    "subscribe": """
        None                  | MUST     | None + Pending Out
        None + Pending Out    | MUST     | no state change
        None + Pending In     | MUST     | None + Pending Out+In
        None + Pending Out+In | MUST     | no state change
        To                    | MUST     | no state change
        To + Pending In       | MUST     | no state change
        From                  | MUST     | From + Pending Out
        From + Pending Out    | MUST     | no state change
        Both                  | MUST     | no state change
    """,
    "unsubscribe": """
        None                  | MUST     | no state change
        None + Pending Out    | MUST     | None
        None + Pending In     | MUST     | no state change
        None + Pending Out+In | MUST     | None + Pending In
        To                    | MUST     | None
        To + Pending In       | MUST     | None + Pending In
        From                  | MUST     | no state change
        From + Pending Out    | MUST     | From
        Both                  | MUST     | From
    """,
    "subscribed": """
        None                  | MUST NOT | no state change
        None + Pending Out    | MUST NOT | no state change
        None + Pending In     | MUST     | From
        None + Pending Out+In | MUST     | From + Pending Out
        To                    | MUST NOT | no state change
        To + Pending In       | MUST     | Both
        From                  | MUST NOT | no state change
        From + Pending Out    | MUST NOT | no state change
        Both                  | MUST NOT | no state change
    """,
    "unsubscribed": """
        None                  | MUST NOT | no state change
        None + Pending Out    | MUST NOT | no state change
        None + Pending In     | MUST     | None
        None + Pending Out+In | MUST     | None + Pending Out
        To                    | MUST NOT | no state change
        To + Pending In       | MUST     | To
        From                  | MUST     | None
        From + Pending Out    | MUST     | None + Pending Out
        Both                  | MUST     | To
    """,
}
INBOUND = {
    "subscribe": """
        None                  | MUST     | None + Pending In
        None + Pending Out    | MUST     | None + Pending Out+In
        None + Pending In     | MUST NOT | no state change
        None + Pending Out+In | MUST NOT | no state change
        To                    | MUST     | To + Pending In
        To + Pending In       | MUST NOT | no state change
        From                  | MUST NOT | no state change
        From + Pending Out    | MUST NOT | no state change
        Both                  | MUST NOT | no state change
    """,
    "unsubscribe": """
        None                  | MUST NOT | no state change
        None + Pending Out    | MUST NOT | no state change
        None + Pending In     | MUST     | None
        None + Pending Out+In | MUST     | None + Pending Out
        To                    | MUST NOT | no state change
        To + Pending In       | MUST     | To
        From                  | MUST     | None
        From + Pending Out    | MUST     | None + Pending Out
        Both                  | MUST     | To
    """,
    "subscribed": """
        None                  | MUST NOT | no state change
        None + Pending Out    | MUST     | To
        None + Pending In     | MUST NOT | no state change
        None + Pending Out+In | MUST     | To + Pending In
        To                    | MUST NOT | no state change
        To + Pending In       | MUST NOT | no state change
        From                  | MUST NOT | no state change
        From + Pending Out    | MUST     | Both
        Both                  | MUST NOT | no state change
    """,
    "unsubscribed": """
        None                  | MUST NOT | no state change
        None + Pending Out    | MUST     | None
        None + Pending In     | MUST NOT | no state change
        None + Pending Out+In | MUST     | None + Pending In
        To                    | MUST     | None
        To + Pending In       | MUST     | None + Pending In
        From                  | MUST NOT | no state change
        From + Pending Out    | MUST     | From
        Both                  | MUST     | From
    """,
}
REPLIED = {"From", "From + Pending Out", "Both"}
"""States in which a request is answered in the user's name (3.1.3)."""
APPROVED = {"None": "From", "None + Pending Out": "From + Pending Out", "To": "Both"}
"""States in which "subscribed" approves in advance, and what a request makes of them (3.4.2)."""


def cells(tables: dict[str, str]) -> Iterator[tuple[str, str, bool, str]]:
    """Give every cell: type, existing state, whether it is routed or delivered, new state."""
    for type, table in tables.items():
        for line in table.strip().splitlines():
            before, word, after = (part.strip() for part in line.split("|"))
            yield type, before, word == "MUST", before if after == SAME else after


def visible(state: State) -> list[str]:
    """Give a push that shows *state*."""
    return [f"{JULIET} {state.subscription}" + (" ask" if state.ask else "")]


class StateTests(SynchronousTestCase):
    """Romeo's side, with an interested and available resource, and one that is neither."""

    def world(self, before: State, **values: Any) -> RosterWorld:
        """Give a server where Romeo and Juliet are in this state."""
        world = RosterWorld()
        world.put(before, **values)
        self.session = world.session()
        self.other = world.session("romeo@localhost/garden", interested=False)
        self.other.presence = None
        return world

    def check(self, world: RosterWorld, after: State, stanzas: list[str], items: list[str]) -> None:
        """Memory and storage are in the new state; the interested resource got this, the other nothing."""
        self.assertEqual(world.roster().state(JULIET.bare), after)
        self.assertEqual(world.stored().state(JULIET.bare), after)
        self.assertEqual(world.stored().version, world.roster().version)
        self.assertEqual(pushes(self.session), (stanzas, items))
        self.assertEqual(pushes(self.other), ([], []))

    def check_presence(self, world: RosterWorld, before: State, after: State, word: list[str]) -> None:
        """Presence is taken back before the contact is told, and shown after it."""
        lost, won = before.is_seen and not after.is_seen, after.is_seen and not before.is_seen
        expected = [f"withdrawn {JULIET}"] * lost + [f"{type} {JULIET}" for type in word]
        self.assertEqual(world.told, expected + [f"granted {JULIET}"] * won)

    def test_a_used_approval_is_used_up(self) -> None:
        """3.4.2: who was approved in advance gets through once; the item is not marked any more."""
        world = self.world(states.NONE, approved=True)
        world.receive("subscribe")
        item = world.roster().item(JULIET.bare)
        assert item is not None
        self.assertFalse(item.approved)

    def test_a_refusal_takes_an_approval_back(self) -> None:
        """3.2.2: "unsubscribed" in a state without subscription removes the approval and is not routed."""
        world = self.world(states.NONE, approved=True)
        world.send("unsubscribed")
        self.check(world, states.NONE, [], visible(states.NONE))
        self.assertEqual(world.told, [])
        world.receive("subscribe")
        self.assertEqual(world.roster().state(JULIET.bare), states.NONE_IN)


def _outbound(type: str, before: str, is_routed: bool, after: str) -> Any:
    def test(self: StateTests) -> None:
        old, new = NAMES[before], NAMES[after]
        world = self.world(old)
        world.send(type)
        is_approval = type == "subscribed" and before in APPROVED
        is_pushed = is_approval or (new.subscription, new.ask) != (old.subscription, old.ask)
        self.check(world, new, [], visible(new) if is_pushed else [])
        self.check_presence(world, old, new, [type] if is_routed else [])
        self.assertEqual(
            bool(item and item.approved) if (item := world.stored().item(JULIET.bare)) else False, is_approval
        )

    return test


def _inbound(type: str, before: str, is_delivered: bool, after: str) -> Any:
    def test(self: StateTests) -> None:
        old, new = NAMES[before], NAMES[after]
        world = self.world(old)
        world.receive(type)
        is_pushed = (new.subscription, new.ask) != (old.subscription, old.ask)
        self.check(world, new, [type] if is_delivered else [], visible(new) if is_pushed else [])
        is_replied = type == "subscribe" and before in REPLIED
        self.check_presence(world, old, new, ["subscribed"] if is_replied else [])

    return test


def _approved(before: str, after: str) -> Any:
    def test(self: StateTests) -> None:
        old, new = NAMES[before], NAMES[after]
        world = self.world(old, approved=True)
        world.receive("subscribe")
        self.check(world, new, [], visible(new))
        self.check_presence(world, old, new, ["subscribed"])

    return test


def _removed(before: str) -> Any:
    def test(self: StateTests) -> None:
        old = NAMES[before]
        world = self.world(old, name="Juliet")
        self.successResultOf(world.rosters.remove(ROMEO, JULIET.bare))
        self.check(world, states.NONE, [], [f"{JULIET} remove"])
        word = ["unsubscribe"] * (old.ask or old.subscription in ("to", "both"))
        word += ["unsubscribed"] * (old.asked or old.is_seen)
        self.check_presence(world, old, states.NONE, word)

    return test


def _add(section: str, type: str, before: str, test: Any) -> None:
    test.__doc__ = f"RFC 6121 {section}: {type} in the state {before}."
    name = "".join(c if c.isalnum() else "_" for c in f"{section} {type} {before}".lower())
    setattr(StateTests, f"test_{name}", test)


for _number, (_tables, _make) in enumerate(((OUTBOUND, _outbound), (INBOUND, _inbound)), 2):
    for _cell in cells(_tables):
        _table = list(_tables).index(_cell[0]) + 1
        _add(f"A.{_number}.{_table}", _cell[0], _cell[1], _make(*_cell))
for _before, _after in APPROVED.items():
    _add("3.4.2", "approved subscribe", _before, _approved(_before, _after))
for _before in NAMES:
    _add("2.5.2", "remove", _before, _removed(_before))
