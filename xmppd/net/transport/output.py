"""The output side of a transport: writes are gathered, leave together at the end of the turn, and are bounded."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IProducer, IReactorFDSet, IReactorTime, IWriteDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.net.transport.flush import FlushQueue

SEND_BYTES: Final = 256 * 1024
"""The most that one call of ``send`` is given."""


class IReactorForTransports(IReactorFDSet, IReactorTime):
    """What a transport needs of a reactor."""


class WriteBufferFull(ConnectionAborted):
    """The peer did not read, and more than the limit waited for it: the connection was cut."""


class CloseTimedOut(ConnectionAborted):
    """The peer took neither the rest of the output nor the close within the time: the connection was cut."""


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """The bounds of one connection; bytes and seconds."""

    write_buffer_bytes: int = 16 * 1024 * 1024
    pause_producer_bytes: int = 65536
    close_timeout_s: float = 5.0


DEFAULT_LIMITS: Final = TransportLimits()


@implementer(IWriteDescriptor)
class Output:
    """Gathered output on its way to a peer, and the producer that may fill it.

    A subclass gives the ways out: ``_transmit``, ``_finish`` and ``_shut_output``.
    """

    log = Logger()
    __slots__ = (
        "__weakref__",
        "_flush_queue",
        "_is_blocked",
        "_is_queued",
        "_limits",
        "_out",
        "_out_size",
        "_producer_is_paused",
        "_reactor",
        "_takes_output",
        "_write_closed",
        "_write_closing",
        "connected",
        "disconnecting",
        "producer",
        "streamingProducer",
    )

    def __init__(
        self, reactor: IReactorForTransports, flush_queue: FlushQueue, limits: TransportLimits
    ) -> None:
        self._reactor = reactor
        self._flush_queue = flush_queue
        self._limits = limits
        self._out: list[bytes | memoryview] = []
        self._out_size = 0
        self._is_queued = False
        self._is_blocked = False
        self._takes_output = True
        self._write_closing = False
        self._write_closed = False
        self._producer_is_paused = False
        self.connected = True
        self.disconnecting = False
        self.producer: IProducer | None = None
        self.streamingProducer = False

    # For the protocol.

    def write(self, data: bytes) -> None:
        """Send *data* with all else that is written in this turn; nothing once the connection is closing."""
        if type(data) is not bytes and not isinstance(data, bytes):
            raise TypeError(f"data must be bytes, not {type(data).__name__}")
        if not self._takes_output or not data:
            return
        self._out.append(data)
        self._out_size += len(data)
        if not self._is_queued:
            self._is_queued = True
            self._flush_queue.add(self)
        if self._out_size > self._limits.pause_producer_bytes:
            self._overfull()

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send the pieces of *iovec* as one."""
        self.write(b"".join(iovec))

    @property
    def unsent_bytes(self) -> int:
        """How much waits to be sent."""
        return self._out_size

    def loseWriteConnection(self) -> None:
        """Close our direction once the output has left; reading goes on."""
        if self.connected and not self._write_closing:
            self._write_closing = True
            self._takes_output = self.producer is not None
            self._flush_soon()

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """Let *producer* write: a push producer is paused while much waits, a pull producer asked when none does.

        One that comes too late, when nothing more is sent, is told to stop, and holds up no close.
        """
        if self.producer is not None:
            raise RuntimeError(f"cannot register {producer!r}: {self.producer!r} was never unregistered")
        if not self._takes_output:
            producer.stopProducing()
            return
        self.producer = producer
        self.streamingProducer = streaming
        self._producer_is_paused = False
        if not streaming:
            producer.resumeProducing()  # type: ignore[attr-defined]  # an IPullProducer then

    def unregisterProducer(self) -> None:
        """The producer is done; a close that waited for it goes on."""
        self.producer = None
        if self.disconnecting or self._write_closing:
            self._takes_output = False
            self._flush_soon()

    # For the reactor and the flush queue.

    def flush(self) -> None:
        """The turn ends: send what was gathered, unless the kernel's buffer is known to be full."""
        self._is_queued = False
        if self.connected and not self._is_blocked:
            self.doWrite()

    def doWrite(self) -> None:
        """Send what there is, and when all has left do what waited for it."""
        if not self.connected:  # a read in the same event found the end
            return
        if self._out and not self._send_some():
            return
        if self._is_blocked:
            self._is_blocked = False
            self._reactor.removeWriter(self)
        if self.disconnecting or self._write_closing or self.producer is not None:
            self._drained()

    def fileno(self) -> int:
        """The descriptor, -1 at the end."""
        raise NotImplementedError

    def logPrefix(self) -> str:
        """What stands before a log line of this connection."""
        raise NotImplementedError

    def connectionLost(self, reason: Failure) -> None:
        """The end, by whichever way; the second time nothing."""
        raise NotImplementedError

    # The ways out.

    def _transmit(self, data: bytes | memoryview) -> int:
        """Give *data* to the network: how much it took, -1 if the connection is lost (and has been reported)."""
        raise NotImplementedError

    def _finish(self) -> None:
        """All output has left and the connection is to close: say so to the peer, and end."""
        raise NotImplementedError

    def _shut_output(self) -> None:
        """All output has left and our direction is to close: say so to the peer and the protocol."""
        raise NotImplementedError

    def _abort(self, error: ConnectionAborted) -> None:
        """Cut the connection in the next turn: the caller may be in the middle of the protocol's code."""
        raise NotImplementedError

    def _block(self) -> None:
        """The kernel's buffer is full: wait for room."""
        self._is_blocked = True
        self._reactor.addWriter(self)

    # Inside.

    def _send_some(self) -> bool:
        """Send one chunk; whether all that was gathered has left."""
        return self._taken(self._transmit(self._next_chunk()))

    def _taken(self, sent: int) -> bool:
        """The network took so much, as `_transmit` says it; whether that was all."""
        if sent < 0:
            return False
        self._out_size -= sent
        if not self._out_size:
            self._out.clear()
            return True
        head = self._out[0]
        if sent == len(head):
            del self._out[0]
        elif sent:
            self._out[0] = memoryview(head)[sent:]
        self._block()
        return False

    def _next_chunk(self) -> bytes | memoryview:
        """Join the first pieces, to about SEND_BYTES, and give at most that much of them."""
        out = self._out
        if len(out) > 1:
            size = count = 0
            for piece in out:
                size += len(piece)
                count += 1
                if size >= SEND_BYTES:
                    break
            if count > 1:
                out[:count] = [b"".join(out[:count])]
        head = out[0]
        return head if len(head) <= SEND_BYTES else memoryview(head)[:SEND_BYTES]

    def _drop_output(self) -> None:
        self._takes_output = False
        self._out.clear()
        self._out_size = 0

    def _flush_soon(self) -> None:
        if self.connected and not self._is_queued:
            self._is_queued = True
            self._flush_queue.add(self)

    def _overfull(self) -> None:
        if self._out_size > self._limits.write_buffer_bytes:
            self._abort(WriteBufferFull(f"more than {self._limits.write_buffer_bytes} bytes unsent"))
        elif self.producer is not None and self.streamingProducer and not self._producer_is_paused:
            self._producer_is_paused = True
            self.producer.pauseProducing()  # type: ignore[attr-defined]  # an IPushProducer then

    def _drained(self) -> None:
        """Nothing is left to send: ask the producer for more, or go on with what waited for this."""
        producer = self.producer
        if producer is not None:
            if not self.streamingProducer or self._producer_is_paused:
                self._producer_is_paused = False
                producer.resumeProducing()  # type: ignore[attr-defined]  # an IPushProducer or IPullProducer
        elif self.disconnecting:
            self._finish()
        elif self._write_closing and not self._write_closed:
            self._write_closed = True
            self._shut_output()
