"""What the core and the modules know of a stream: RFC 6120 4, whatever carries it and whoever is at its other end.

A client's stream has a session besides (`xmppd.core.session.SessionStream`); those of servers and components have
none.
"""

from typing import Protocol

from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream.features import AnyFeature

Sendable = Stanza | Element | str | bytes
"""What can be written to a stream: one first-level element, in any of these forms."""


class Stream(Protocol):
    """One peer's stream."""

    @property
    def kind(self) -> int:
        """Whose it is: a bit of `xmppd.stream.features.StreamKind`."""

    @property
    def state(self) -> int:
        """What has been reached: bits of `xmppd.stream.features.StreamState`."""

    def send(self, x: Sendable) -> bool:
        """Write *x* to the peer; say whether it still takes anything."""

    def fail(self, error: StreamError) -> None:
        """End the stream with *error* (RFC 6120 4.9)."""

    def negotiated(self, feature: AnyFeature) -> None:
        """*feature* has been negotiated: what it sets is reached (RFC 6120 4.3)."""

    def withdrawn(self, feature: AnyFeature) -> None:
        """What *feature* has set does not hold after all."""

    def set_deadline(self, seconds: float | None) -> None:
        """Give the peer so long for what comes next; None takes the deadline away."""
