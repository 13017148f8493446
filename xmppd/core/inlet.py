"""What a stanza came in by: the session of a local client, or the stream of another server or a component.

The inlet counts what comes in and acknowledges it (XEP-0198 4) when all that it changed is durable. It learns that
from the commit that the router's doors give it (`xmppd.core.commits.Routed`), and takes no more while too much waits.
Errors and results do not go to the inlet but to the stanza's sender: `xmppd.core.events.Traffic.origin` where that is
a local client, by `Router.route` otherwise.
"""

from typing import Protocol

from xmppd.storage.interface import Change


class Acknowledger(Protocol):
    """What counts the stanzas that come in and acknowledges them (XEP-0198 4); the core only tells it."""

    @property
    def is_over(self) -> bool:
        """Whether what it counts for has ended; what was in hand then is counted still."""

    def routing(self, changes: list[Change]) -> None:
        """A stanza is routed; add what is to be committed in one transaction with *changes*, its own."""

    def handled(self, is_waiting: bool) -> None:
        """A stanza is dealt with; it is durable when a commit is `decided`, at once if not *is_waiting*."""

    def decided(self, is_kept: bool) -> None:
        """The oldest commit that a stanza waits for is decided; if it is not *is_kept*, the sender has been told."""


class Inlet(Protocol):
    """What a stanza came in by; the session itself where that is a local client's."""

    @property
    def ledger(self) -> Acknowledger | None:
        """Who counts and acknowledges; None where nobody asked for that."""
