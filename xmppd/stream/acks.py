"""The counters of XEP-0198 1.6.3: stanzas sent and not acknowledged yet, stanzas received and handled. No I/O.

Counts are modulo 2^32 (section 4). What was sent leaves its queue at the front alone, and only when the peer says that
it was handled. What was received may be acknowledged once all that it changed is on disk, in the order of the stream.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from xmppd.stanza.markup import escape_attr
from xmppd.stanza.stanza import Stanza

MODULUS: Final = 1 << 32
COPY: Final = 2
"""So many things are kept of a copy that goes elsewhere than the one before it; three of what is no copy."""


class TooHigh(ValueError):
    """The peer acknowledges more than it was sent (section 6)."""

    def __init__(self, h: int, sent: int) -> None:
        super().__init__(f"{h} stanzas are acknowledged, {sent} were sent")
        self.h = h
        self.sent = sent


class Sent(NamedTuple):
    """A stanza that was sent, or waits for a connection, and what its sender keeps with it."""

    stanza: Stanza
    sent_at: float
    """Seconds since 1970."""
    record: object = None
    """What knows who has copies of it."""


class Source(Protocol):
    """A stanza that goes to many; its copies differ in ``to`` alone."""

    head: bytes
    """What a copy begins with: all before its address."""
    tail: bytes
    """All behind its address."""
    size_bytes: int
    """How much a copy takes, but for its address."""
    sent_at: float | None
    """When the first copy was sent, in seconds since 1970; None before."""

    def copy(self, to: str) -> Stanza:
        """Give the copy for *to*."""


Kept = Source | tuple[Source, str] | tuple[Stanza, float, object]
"""What is kept of a stanza: of a copy what all copies share, and its address where that is another than the address of
the copy before it. `Sent` is made when it is asked for."""


class Outgoing:
    """The stanzas that the peer has not acknowledged, oldest first.

    Most copies of what goes to many go to the same address, and take a place in a list and nothing else.
    """

    __slots__ = ("_first_to", "acknowledged", "address", "size_bytes", "to", "waiting")

    def __init__(self, sent: int = 0) -> None:
        """*sent* is where the count begins."""
        self.waiting: list[Kept] = []
        """For this class, and for who sends copies (`turn_to`): a call less for each of them."""
        self.acknowledged = sent % MODULUS
        self.size_bytes = 0
        """How much would be sent, about."""
        self._first_to = self.to = ""
        """Where the latest copy went that is acknowledged, and the latest of all."""
        self.address = b""
        """The latter as it is written."""

    def __len__(self) -> int:
        return len(self.waiting)

    def __iter__(self) -> Iterator[Sent]:
        """Give all, as they are now."""
        return iter(self._all())

    @property
    def sent(self) -> int:
        """The number of the latest stanza."""
        return (self.acknowledged + len(self.waiting)) % MODULUS

    @property
    def next(self) -> int:
        """The number of the next stanza."""
        return (self.sent + 1) % MODULUS

    def append(self, stanza: Stanza, sent_at: float, record: object = None) -> int:
        """One more stanza is sent: see `Sent`. Give how many wait now."""
        waiting = self.waiting
        waiting.append((stanza, sent_at, record))
        self.size_bytes += len(stanza.to_bytes())
        return len(waiting)

    def append_copy(self, source: Source, to: str) -> int:
        """One more stanza is sent: the copy of *source* for *to*. Give how many wait now."""
        self.waiting.append(source if to == self.to else self.turn_to(source, to))
        self.size_bytes += source.size_bytes + len(to)
        return len(self.waiting)

    def turn_to(self, source: Source, to: str) -> Kept:
        """Copies go to *to* from now on; give what is kept of the first of them, that of *source*."""
        self.to, self.address = to, escape_attr(to).encode()
        return source, to

    def check(self, h: int) -> int:
        """Give how many stanzas *h* acknowledges anew. Raises `TooHigh`."""
        count = (h - self.acknowledged) % MODULUS
        if count > len(self.waiting):
            raise TooHigh(h, self.sent)
        return count

    def acknowledge(self, h: int) -> list[object]:
        """Let go of all up to *h*, and give what was kept with them, where that is anything.

        Raises `TooHigh`, and then nothing happened.
        """
        count = self.check(h)
        gone = self.waiting[:count]
        del self.waiting[:count]
        self.acknowledged = h % MODULUS
        records: list[object] = []
        for kept in gone:
            if not isinstance(kept, tuple):
                self.size_bytes -= kept.size_bytes + len(self._first_to)
            elif len(kept) == COPY:
                self._first_to = kept[1]
                self.size_bytes -= kept[0].size_bytes + len(kept[1])
            else:
                self.size_bytes -= len(kept[0].to_bytes())
                if kept[2] is not None:
                    records.append(kept[2])
        return records

    def _all(self) -> list[Sent]:
        to, sent = self._first_to, list[Sent]()
        for kept in self.waiting:
            if isinstance(kept, tuple):
                if len(kept) != COPY:
                    sent.append(Sent(*kept))
                    continue
                kept, to = kept
            sent.append(Sent(kept.copy(to), kept.sent_at or 0.0))
        return sent


class Incoming:
    """How many stanzas of the peer were handled, and how many of them may be acknowledged.

    Where the count is to outlive us it must be on disk before it is told: a peer must never hear of less than it has
    heard already.
    """

    __slots__ = ("_undecided", "committed", "handled", "is_recorded")

    def __init__(self, handled: int = 0, *, is_recorded: bool = False) -> None:
        """*handled* is where the count begins; *is_recorded*: a count may be told when a commit holds it."""
        self._undecided: deque[int] = deque()
        self.handled = self.committed = handled % MODULUS
        self.is_recorded = is_recorded

    @property
    def is_settled(self) -> bool:
        """Whether no commit is waited for."""
        return not self._undecided

    @property
    def is_covered(self) -> bool:
        """Whether all that was handled may be acknowledged."""
        return self.committed == self.handled

    @property
    def next(self) -> int:
        """What `handled` will be after the next stanza."""
        return (self.handled + 1) % MODULUS

    def count(self, is_waiting: bool) -> None:
        """One more stanza is handled; *is_waiting*: a commit holds what it changed, and the count."""
        self.handled = (self.handled + 1) % MODULUS
        if is_waiting:
            self._undecided.append(self.handled)
        elif not self._undecided and not self.is_recorded:
            self.committed = self.handled

    def recording(self) -> None:
        """A commit holds the count as it is."""
        self._undecided.append(self.handled)

    def decided(self, is_kept: bool = True) -> None:
        """The oldest commit that is waited for is decided; *is_kept*: it has happened."""
        h = self._undecided.popleft()
        if not self.is_recorded:
            self.committed = h if self._undecided else self.handled
        elif is_kept:
            self.committed = h

    def covers(self, h: int) -> bool:
        """Whether stanza *h* may be acknowledged."""
        return (self.committed - h) % MODULUS < MODULUS // 2


def is_up_to(count: int, h: int) -> bool:
    """Whether the stanza numbered *count* is among those that *h* covers."""
    return (h - count) % MODULUS < MODULUS // 2
