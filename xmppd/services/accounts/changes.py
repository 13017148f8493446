"""Which accounts have lately got another password, or have gone: for who began to log in before that."""

from typing import Final

from xmppd.core.bounded import Bounded
from xmppd.core.directory import AccountMark

KEPT: Final = 10_000
"""Accounts remembered at most; the one that changed longest ago is forgotten first."""


class AccountChanges:
    """Numbers the changes; what has been forgotten counts as a change, so nobody slips through."""

    __slots__ = ("_changed", "_forgotten", "_number")

    def __init__(self) -> None:
        self._changed: Bounded[str, int] = Bounded(KEPT)
        self._forgotten = 0
        self._number = 0

    def __len__(self) -> int:
        """How many accounts are remembered."""
        return len(self._changed)

    @property
    def mark(self) -> AccountMark:
        """Where the changes are now: keep it when something begins, and ask `is_changed_since` at its end."""
        return AccountMark(self._number)

    def note(self, bare_jid: str) -> None:
        """The account changes now."""
        self._number += 1
        dropped = self._changed.keep(bare_jid, self._number)
        if dropped is not None:
            self._forgotten = dropped[1]

    def is_changed_since(self, bare_jid: str, mark: AccountMark) -> bool:
        """Whether the account has, or may have, changed since *mark* was given."""
        return self._changed.get(bare_jid, self._forgotten) > mark
