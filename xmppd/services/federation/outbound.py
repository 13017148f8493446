"""What this group asks of whoever has connections: a carrier for a pair of domains. No sockets here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from xmppd.stanza.stanza import Stanza


class Item:
    """A stanza that waits for another server, or was sent and is not known to have arrived."""

    __slots__ = ("at", "is_durable", "mark", "row", "size_bytes", "stanza")

    def __init__(self, stanza: Stanza, row: str, at: float, is_durable: bool, mark: bytes = b""):
        self.stanza = stanza
        self.is_durable = is_durable
        """Whether it waits for a peer that is not there now."""
        self.row = row
        """Its entry in the durable queue; "" for one that nobody was promised."""
        self.mark = mark
        """What stands there of which it is, or is to be, on which stream; see `xmppd.services.federation.sent`."""
        self.at = at
        """When it came, in seconds since 1970."""
        self.size_bytes = len(stanza.to_bytes()) + OVERHEAD_BYTES


OVERHEAD_BYTES = 200
"""What a stanza costs besides its bytes, about."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a pair's stanzas cannot be delivered."""

    condition: str
    """Of RFC 6120 8.3.3: what the senders are told."""
    text: str
    """One line for people."""
    is_final: bool = False
    """Whether it would be no use to wait: the other domain itself, or its certificate, says so."""


class Unreachable(Exception):
    """No carrier came about."""

    def __init__(self, failed: Failed):
        super().__init__(failed.text)
        self.failed = failed


class Numbered(Protocol):
    """What was sent and is not acknowledged, by its numbers; see `xmppd.services.federation.sent`."""

    id: str
    sent: int
    """The number of the latest."""

    def covered(self, h: int) -> list[Item]:
        """Let go of all up to *h*, and give it."""


class Carrier(Protocol):
    """A stream on which one pair may send."""

    @property
    def numbered(self) -> Numbered | None:
        """What counts stanzas, where the peer acknowledges them (XEP-0198); None where it does not."""

    def carry(self, item: Item) -> None:
        """Write a stanza; what becomes of it is told to the carrier's `Sender`."""

    def ask(self) -> None:
        """Ask the peer what has arrived, if something was sent since that was asked last (XEP-0198 4)."""

    @property
    def answered_in_s(self) -> float:
        """How long it took to answer the latest time; 0 before that."""

    @property
    def unsent_bytes(self) -> int:
        """How much of what was written waits to leave."""

    @property
    def unconfirmed(self) -> int:
        """How many stanzas are not known to have arrived."""

    def close(self) -> None:
        """End it; its sender hears no more of it."""


class Sender(Protocol):
    """The pair that a carrier is for."""

    ours: str
    theirs: str
    left: Numbered | None
    """What an earlier carrier has left, to be resumed."""

    def used(self) -> None:
        """Something has come by its carrier (XEP-0288): it is not idle."""

    def confirmed(self, items: list[Item]) -> None:
        """These, which an earlier carrier has left, have arrived all the same."""

    def arrived(self, items: list[Item]) -> None:
        """These have arrived, as far as that can be known."""

    def lost(self, carrier: Carrier, items: list[Item], failed: Failed | None) -> None:
        """The carrier is gone; of *items* nobody knows whether they have arrived, oldest first."""


Open = Callable[[Sender], Deferred[Carrier]]
"""Finds and authenticates a stream for a pair; waits, fails with `Unreachable`, may be cancelled."""


class Connected(NamedTuple):
    """A stream with another server, on which a pair of domains may send one way or both."""

    ours: str
    theirs: str
    direction: str
    """incoming, outgoing or bidi (XEP-0288)."""


Connections = Callable[[], Iterable[Connected]]
"""Gives each authenticated stream, once for each pair of domains that it serves."""
