"""The rosters that were used last: who comes back soon, as a phone does, waits for no storage."""

from xmppd.services.roster.items import Roster

KEPT_CONTACTS = 20_000
"""So many contacts are kept, which takes 7 MB."""
ROSTER_CONTACTS = 10
"""A roster takes as much memory as so many contacts, without its own."""


class RecentRosters:
    """Keeps rosters that nobody else keeps any more; those that have not been used for the longest time go first."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Roster, int]] = {}
        self.contacts = 0
        """How many contacts are kept, each roster's own size among them."""

    def __len__(self) -> int:
        return len(self._kept)

    def use(self, roster: Roster) -> None:
        """Keep *roster*, and for longer than all that were used before it."""
        self.forget(roster.owner)
        size = len(roster) + ROSTER_CONTACTS
        self._kept[roster.owner] = (roster, size)
        self.contacts += size
        while self.contacts > KEPT_CONTACTS:
            self.forget(next(iter(self._kept)))

    def forget(self, owner: str) -> None:
        """Keep an account's roster no longer."""
        _, size = self._kept.pop(owner, (None, 0))
        self.contacts -= size

    def clear(self) -> None:
        """Keep none."""
        self._kept.clear()
        self.contacts = 0
