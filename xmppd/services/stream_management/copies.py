"""What the copies of one message share that goes to several sessions of an account (RFC 6121 8.5.2.1.1).

A copy that nobody acknowledged is delivered anew only if no other copy was acknowledged or waits in a queue.
"""

from collections.abc import Sequence

from xmppd.core.session import Session
from xmppd.stanza.stanza import Stanza


class Copies:
    """The copies of one message."""

    __slots__ = ("count", "holders", "is_acknowledged")

    def __init__(self, takers: Sequence[Session]):
        self.count = len(takers)
        self.holders = 0
        """Queues that hold a copy."""
        self.is_acknowledged = any(session.ledger is None for session in takers)
        """Whether a client has it; where nobody counts, because it is written to the connection."""


class Copying:
    """Finds the `Copies` of the message that is being delivered."""

    __slots__ = ("_copies", "_stanza")

    def __init__(self) -> None:
        self._stanza: Stanza | None = None
        self._copies: Copies | None = None

    def of(self, stanza: Stanza, takers: Sequence[Session]) -> Copies | None:
        """Give what the copies of *stanza* share; None where there is but one."""
        if self._stanza is stanza:
            return self._copies
        if len(takers) < 2:
            return None
        self._stanza, self._copies = stanza, Copies(takers)
        return self._copies
