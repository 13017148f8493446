"""How much of a stream is handled and not on disk yet: `uncommitted_stanzas` and `uncommitted_bytes` bound it.

A stream that has reached the bound takes nothing more until half of it is done; so does one that commits something
while far too much waits for the storage (`Storage.is_full`).
"""

from collections.abc import Callable

from xmppd.config.limits import Limits
from xmppd.core.commits import Commit
from xmppd.core.inlet import Acknowledger
from xmppd.storage.interface import Storage


class Uncommitted:
    """Stanzas of one stream that wait for their commits."""

    __slots__ = ("_go_on", "_is_called", "_limits", "_storage", "is_full", "size_bytes", "stanzas")

    def __init__(self, storage: Storage, limits: Callable[[], Limits]) -> None:
        self._storage = storage
        self._limits = limits
        self._go_on: Callable[[], None] | None = None
        self._is_called = False
        self.stanzas = 0
        self.size_bytes = 0
        self.is_full = False

    def add(self, commit: Commit, ledger: Acknowledger | None, go_on: Callable[[], None]) -> bool:
        """One more waits for *commit*; *ledger* is told what came of it.

        Says whether the stream must wait; then *go_on* is called when it may take more.
        """
        self.stanzas += 1
        self.size_bytes += commit.size_bytes
        commit.ledger = ledger
        if commit.is_kept is None:
            commit.waits = self
        else:
            self.decided(commit)
        limits = self._limits()
        if self.stanzas >= limits.uncommitted_stanzas or self.size_bytes >= limits.uncommitted_bytes:
            self.is_full = self.stanzas > 0
        elif commit.changes and self._storage.is_full:
            self.is_full = True
            self._await_room()
        self._go_on = go_on if self.is_full else None
        return self.is_full

    def decided(self, commit: Commit) -> None:
        """A commit has happened, or the router has told the sender that it has not: this is the end of it."""
        self.stanzas -= 1
        self.size_bytes -= commit.size_bytes
        if commit.ledger is not None:
            commit.ledger.decided(commit.is_kept is True)
        if self.is_full:
            self._look()

    def _look(self) -> None:
        limits = self._limits()
        if self.stanzas > limits.uncommitted_stanzas // 2 or self.size_bytes > limits.uncommitted_bytes // 2:
            return
        if self._storage.is_full:
            self._await_room()
            return
        go_on, self._go_on, self.is_full = self._go_on, None, False
        if go_on is not None:
            go_on()

    def _await_room(self) -> None:
        if not self._is_called:
            self._is_called = True
            self._storage.when_roomy().addCallback(self._called)

    def _called(self, _: None) -> None:
        self._is_called = False
        if self.is_full:
            self._look()
