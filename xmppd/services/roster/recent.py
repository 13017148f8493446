"""The rosters that were used last: who comes back soon, as a phone does, waits for no storage."""

from xmppd.core.bounded import BoundedBySize
from xmppd.services.roster.items import Roster

KEPT_CONTACTS = 20_000
"""So many contacts are kept, which takes 7 MB."""
ROSTER_CONTACTS = 10
"""A roster takes as much memory as so many contacts, without its own."""


class RecentRosters:
    """Keeps rosters that nobody else keeps any more; those that have not been used for the longest time go first."""

    def __init__(self) -> None:
        self._kept: BoundedBySize[str, Roster] = BoundedBySize(KEPT_CONTACTS)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def contacts(self) -> int:
        """How many contacts are kept, each roster's own size among them."""
        return self._kept.size

    def use(self, roster: Roster) -> None:
        """Keep *roster*, and for longer than all that were used before it."""
        self._kept.keep(roster.owner, roster, len(roster) + ROSTER_CONTACTS)

    def forget(self, owner: str) -> None:
        """Keep an account's roster no longer."""
        self._kept.forget(owner)

    def clear(self) -> None:
        """Keep none."""
        self._kept.clear()
