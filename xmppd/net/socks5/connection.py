"""The connection of one party of a relayed stream: the handshake, the wait, the bytes, with back-pressure and limits.

What comes from one side is written to the other; where that does not take it, or more comes than may within a second,
this side is not read. Memory is what both kernels and one write hold.
"""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IAddress, IPushProducer
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.core.timers import Timer, Timers
from xmppd.net.socks5.handshake import Handshake, Step
from xmppd.services.bytestreams.bytestreams import Bytestreams, Half, Relaying

HANDSHAKE_S: Final = 10.0
ABORT_S: Final = 30.0
"""How long a side that does not read may keep a stream that has ended."""
SECOND_S: Final = 1.0


@implementer(IPushProducer)
class SocksConnection(Protocol):
    """One party."""

    def __init__(
        self, streams: Bytestreams, timers: Timers, closed: Callable[["SocksConnection"], object], peer: str
    ) -> None:
        """*closed* hears that the connection is gone."""
        self._streams = streams
        self._timers = timers
        self._closed = closed
        self.peer = peer
        self._handshake = Handshake()
        self._other: SocksConnection | None = None
        self._relaying: Relaying | None = None
        self._early = b""
        self._deadline: Timer | None = None
        self._resuming: Timer | None = None
        self._window_began = 0.0
        self._in_window = 0
        self._is_full = self._is_ahead = self._is_over = False
        self._has_moved = False

    # -- what the transport tells -------------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Somebody has come."""
        self._deadline = self._timers.add(HANDSHAKE_S, self._rings)

    def dataReceived(self, data: bytes) -> None:
        """Take a part of the handshake, or of what is relayed."""
        if self._other is not None:
            self._relay(data)
        elif self._handshake.step is Step.WAITING:
            self._early += data  # what was read before reading stopped
        else:
            self._shake(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is gone."""
        for timer in (self._deadline, self._resuming):
            self._timers.stop(timer)
        self._deadline = self._resuming = None
        self._is_over = True
        self._streams.gone(self._handshake.key, self)
        self._other = None
        self._closed(self)

    # -- the handshake ------------------------------------------------------------------------------------------------

    def _shake(self, data: bytes) -> None:
        handshake, transport = self._handshake, self._transport
        answer = handshake.feed(data)
        if handshake.step is Step.WAITING:
            answer += handshake.answer(self._streams.came(handshake.key, self))
        if answer:
            transport.write(answer)
        if handshake.step is Step.FAILED:
            self.close()
        elif handshake.step is Step.WAITING:
            self._timers.stop(self._deadline)
            self._deadline = None
            self._early = handshake.rest
            self._is_full = True
            transport.pauseProducing()

    # -- the relay ----------------------------------------------------------------------------------------------------

    def join(self, other: Half, options: Relaying) -> None:
        """Let bytes flow to *other*."""
        assert isinstance(other, SocksConnection), "both came to this port"
        self._other, self._relaying = other, options
        other._transport.registerProducer(self, True)
        self._deadline = self._timers.add(options.idle_s, self._rings)
        early, self._early = self._early, b""
        self._is_full = False
        if early:
            self._relay(early)
        self._read_on()

    def _relay(self, data: bytes) -> None:
        other, options = self._other, self._relaying
        if other is None or options is None or self._is_over:
            return
        self._has_moved = other._has_moved = True
        other._transport.write(data)
        if not options.bytes_per_s:
            return
        now = self._timers.seconds()
        if now - self._window_began >= SECOND_S:
            self._window_began, self._in_window = now, 0
        self._in_window += len(data)
        if self._in_window >= options.bytes_per_s and not self._is_ahead:
            self._is_ahead = True
            self._transport.pauseProducing()
            wait_s = self._in_window / options.bytes_per_s - (now - self._window_began)
            self._resuming = self._timers.add(max(0.0, wait_s), self._goes_on)

    def _goes_on(self, now: float, timer: Timer, param: object) -> None:
        self._resuming, self._is_ahead = None, False
        self._read_on()

    def pauseProducing(self) -> None:
        """The other side takes no more now."""
        self._is_full = True
        if not self._is_over:
            self._transport.pauseProducing()

    def resumeProducing(self) -> None:
        """The other side takes more."""
        self._is_full = False
        self._read_on()

    def stopProducing(self) -> None:
        """The other side is gone."""
        self.close()

    def _read_on(self) -> None:
        if not (self._is_full or self._is_ahead or self._is_over):
            self._transport.resumeProducing()

    # -- the end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End the connection, once what it was given has left."""
        if self._is_over:
            return
        self._is_over = True
        self._timers.stop(self._resuming)
        self._timers.stop(self._deadline)
        self._resuming = None
        self._deadline = self._timers.add(ABORT_S, self._aborts)
        if self._other is not None:
            self._transport.unregisterProducer()
        self._transport.loseConnection()

    def _rings(self, now: float, timer: Timer, param: object) -> float | None:
        """Nothing has come in time; in a stream that moves there is more time."""
        if self._has_moved and self._relaying is not None:
            self._has_moved = False
            return self._relaying.idle_s
        self._deadline = None
        self.close()
        return None

    def _aborts(self, now: float, timer: Timer, param: object) -> None:
        self._deadline = None
        self._transport.abortConnection()

    @property
    def _transport(self) -> Any:
        return self.transport


def peer_of(addr: IAddress | None) -> str:
    """Give the address of who comes."""
    return str(getattr(addr, "host", ""))
