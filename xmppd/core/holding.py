"""Commits that are held back for a moment, since what they would keep may turn out to be safe elsewhere.

A door that knows such a place gives the `xmppd.core.events.Traffic` what holds its commit. The order of a session's
commits stays: before anything behind it is committed, what is held back is.
"""

from collections.abc import Sequence
from typing import Protocol

from xmppd.storage.interface import Change, StorageError


class Keeper(Protocol):
    """Who holds commits back."""

    def press(self, ledger: object) -> None:
        """Who sends what *ledger* counts has asked for an acknowledgement: hold it no longer than need be."""

    def release(self, ledger: object) -> None:
        """Have all committed now that is held back of the stanzas that *ledger* counts, in their order."""


class Pending(Protocol):
    """What is held back: an `xmppd.core.commits.Commit`."""

    @property
    def changes(self) -> Sequence[Change]:
        """What is to be committed."""

    def decided(self, error: StorageError | None) -> None:
        """It is committed, or cannot be."""


class Held(Protocol):
    """What holds back the commit of one stanza."""

    def hold(self, commit: Pending) -> None:
        """The stanza is routed: have *commit* decided, once, when its changes and its sender's count are committed.

        Before that either somebody else has taken the stanza over, or what keeps it here is committed with these. It
        may be called at once.
        """
