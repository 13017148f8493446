"""What one stanza changed, on its way to the disk: who is told when that is decided.

No Deferred, since each message has one of these: the storage calls `Commit.decided`, once. It is given to whoever
brought the stanza to the router (`Routed`).
"""

from collections.abc import Callable, Sequence
from typing import Protocol, final

from twisted.internet.defer import Deferred

from xmppd.core.events import Traffic
from xmppd.core.inlet import Acknowledger
from xmppd.storage.interface import Change, StorageError


class Waits(Protocol):
    """What a stream has that waits for commits."""

    def decided(self, commit: "Commit") -> None:
        """*commit* is decided."""


@final
class Commit:
    """The fate of what a stanza changed; the sender hears of a failure, the stream that it came on of either."""

    __slots__ = ("_refuse", "_traffic", "changes", "is_kept", "ledger", "size_bytes", "waits")

    def __init__(self, traffic: Traffic, refuse: Callable[[StorageError, Traffic], None]):
        """*refuse* tells the sender that its stanza could not be kept."""
        self._traffic = traffic
        self._refuse = refuse
        self.waits: Waits | None = None
        """Who is told when it is decided; set by the stream, where it is not yet."""
        self.is_kept: bool | None = None
        """None until it is decided."""
        self.ledger: Acknowledger | None = None
        """Who counts the stanza; set by the stream."""
        self.size_bytes = len(traffic.stanza.to_bytes())
        self.changes: Sequence[Change] = traffic.changes
        """What is to be committed."""

    def decided(self, error: StorageError | None) -> None:
        """The storage has kept it, or has not."""
        self.is_kept = error is None
        if error is not None:
            self._traffic.undo()
            self._refuse(error, self._traffic)
        if self.waits is not None:
            self.waits.decided(self)


Routed = Commit | Deferred[Commit | None] | None
"""What a door of the router gives for a stanza: None when it is dealt with and changed nothing, the commit of what it
changed, or a Deferred of either where a handler waits, which fails with `StreamError` alone or a bug."""
