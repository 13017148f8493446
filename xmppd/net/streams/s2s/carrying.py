"""What a stream carries for one pair of domains: stanzas out, and what is known of their arrival.

What was written has arrived when the peer acknowledges it (XEP-0198); where it does not, for all we know, when the
kernel has taken it. A peer of which neither is heard for a minute hangs, and its stream is ended: what it has not got
goes back to the pair, which looks for another stream, and in the end to its senders.
"""

from collections import deque
from typing import Final, Protocol

from xmppd.core.session import Connection
from xmppd.core.stream import Sendable
from xmppd.core.timers import Timer
from xmppd.net.streams.s2s.counting import ANSWER_S, SentCounter
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.services.federation.outbound import Failed, Item, Sender
from xmppd.stanza.errors import StreamError

PULSE_S: Final = 0.1
"""How often is looked what the kernel has taken."""


class CarryingStream(Protocol):
    """The stream, as far as it is asked here."""

    parts: S2SParts
    conn: Connection | None
    is_ended: bool

    def send(self, x: Sendable) -> bool:
        """Write *x*."""

    def close(self, x: StreamError | None = None) -> None:
        """End the stream, with an error if *x* is one."""


class PairCarrier(SentCounter):
    """A `xmppd.services.federation.outbound.Carrier`."""

    def __init__(self, stream: CarryingStream, sender: Sender):
        """*sender* is the pair that it is for."""
        super().__init__(sender, stream.send, stream.parts.timers, self._hang)
        self._stream = stream
        self.is_always_resumed = False
        """Whether a later stream goes on with this one though nothing is left: to tell the peer what has come."""
        self._pulse: Timer | None = None
        self._written: deque[tuple[int, Item]] = deque()
        self._written_bytes = self._taken_bytes = 0
        self._moved_at = 0.0
        """When the kernel has taken something the last time, while it has not taken all."""
        self._late: list[Item] = []
        """What came when the end was written already."""
        self._hung: Failed | None = None
        """Set when the peer is left because it hangs."""

    def carry(self, item: Item) -> None:
        """Write a stanza, and see when the kernel has taken it."""
        stream = self._stream
        conn = stream.conn
        if conn is None or stream.is_ended:
            self._late.append(item)
            return
        data = item.stanza.to_bytes()
        conn.write(data)
        if self.numbered is not None:
            self.written(item)
            return
        self._written_bytes += len(data)
        self._written.append((self._written_bytes, item))
        if self._pulse is None:
            self._moved_at = stream.parts.timers.seconds()
            self._pulse = stream.parts.timers.add(0.0, self._look)  # mostly the kernel has all by then

    @property
    def unsent_bytes(self) -> int:
        """How much waits to leave."""
        conn = self._stream.conn
        return 0 if conn is None else conn.unsent_bytes

    @property
    def unconfirmed(self) -> int:
        """How many stanzas are not known to have arrived."""
        numbered = self.numbered
        return len(self._late) + len(self._written) + (0 if numbered is None else len(numbered.items))

    def close(self) -> None:
        """End the stream; the sender hears no more of it."""
        self._stream.close()

    def lost(self, failed: Failed | None, *, has_left: bool) -> None:
        """The stream is gone: what may not have arrived goes back to the pair.

        *has_left*: all that was written has left, since the end was orderly.
        """
        self.stop()
        sent, written = self.numbered, [item for _, item in self._written]
        self._written.clear()
        if has_left:
            self.sender.arrived(written)
            written = []
        if sent is not None:
            written += [item for _, item in sent.items]
            self.sender.left = sent if sent.id and (sent.items or self.is_always_resumed) else None
        self.sender.lost(self, written + self._late, failed or self._hung)

    def _look(self, now: float, timer: object, param: None) -> float | None:
        conn = self._stream.conn
        if conn is None:
            return None
        taken = self._written_bytes - conn.unsent_bytes
        gone = []
        while self._written and self._written[0][0] <= taken:
            gone.append(self._written.popleft()[1])
        if gone:
            self.sender.arrived(gone)
        if taken != self._taken_bytes:
            self._taken_bytes, self._moved_at = taken, now
        if self._written and now - self._moved_at < ANSWER_S:
            return PULSE_S
        self._pulse = None
        if self._written:
            self._hang()
        return None

    def _hang(self) -> None:
        self._hung = Failed("remote-server-timeout", f"{self.sender.theirs} has stopped answering")
        self._stream.close(StreamError("connection-timeout", "Nothing that was sent is acknowledged"))
