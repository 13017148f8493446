"""Which accounts have lately got another password, or have gone: for who began to log in before that."""

from collections import OrderedDict
from typing import Final

KEPT: Final = 10_000
"""Accounts remembered at most; the one that changed longest ago is forgotten first."""


class AccountChanges:
    """Numbers the changes; what has been forgotten counts as a change, so nobody slips through."""

    __slots__ = ("_changed", "_forgotten", "number")

    def __init__(self) -> None:
        self._changed: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0
        self.number = 0
        """That of the latest change: keep it when something begins, and ask `is_changed_since` at its end."""

    def __len__(self) -> int:
        """How many accounts are remembered."""
        return len(self._changed)

    def note(self, bare_jid: str) -> None:
        """The account changes now."""
        self.number += 1
        self._changed.pop(bare_jid, None)
        self._changed[bare_jid] = self.number
        if len(self._changed) > KEPT:
            _, self._forgotten = self._changed.popitem(last=False)

    def is_changed_since(self, bare_jid: str, number: int) -> bool:
        """Whether the account has, or may have, changed after the change of that *number*."""
        return self._changed.get(bare_jid, self._forgotten) > number
