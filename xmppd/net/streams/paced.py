"""Why a peer is not read just now: several reasons at a time, and one of them that it sends more than it may."""

from typing import Final, Protocol

from xmppd.net.streams.inlet import StreamInlet


class Hold:
    """Reasons to read nothing; while there is any, nothing is read."""

    STREAM: Final = 1
    """Too much waits to be dealt with, or to be committed."""
    ELEMENT: Final = 2
    """An element of the negotiation is being dealt with."""
    RATE: Final = 4
    """The peer sends more than it may at a time."""
    OVER: Final = 8
    """The connection is gone."""


class Reads(Protocol):
    """What can be read no more for a while: a transport."""

    def pauseProducing(self) -> None:
        """Stop reading."""

    def resumeProducing(self) -> None:
        """Read on."""


class Paced:
    """What carries a stream, as far as reading goes. *transport* and *stream* are the carrier's own."""

    __slots__ = ("_allowance", "_allowed_at", "_holds")
    transport: Reads
    stream: StreamInlet

    def __init__(self) -> None:
        self._holds = 0
        """Why nothing is read: bits of `Hold`."""
        self._allowance = 0
        """So many bytes are read before the clock is looked at again."""
        self._allowed_at: float | None = None

    def pause(self) -> None:
        """Stop reading."""
        self._hold(Hold.STREAM)

    def resume(self) -> None:
        """Read on."""
        self._let_go(Hold.STREAM)

    def slowed(self) -> None:
        """The peer has sent more than it may at a time: to be counted by a kind of connection."""

    def _hold(self, why: int) -> None:
        if not self._holds:
            self.transport.pauseProducing()
        self._holds |= why

    def _let_go(self, why: int) -> None:
        if self._holds & why:
            self._holds &= ~why
            if not self._holds:
                self.transport.resumeProducing()

    def _spend(self) -> None:
        """What was allowed is spent: add what the time since then gives, and wait for what is missing.

        Half of a burst is added at most: what was left may have been spent only now, so both halves come together.
        """
        rate, stream = self.stream.byte_rate, self.stream
        now, half = stream.seconds(), rate.burst // 2
        since, self._allowed_at = self._allowed_at, now
        earned = half if since is None else int((now - since) * rate.a_second)
        self._allowance = min(half, self._allowance + earned)
        if self._allowance < 0:
            self.slowed()
            self._hold(Hold.RATE)
            stream.call_later(-self._allowance / rate.a_second, self._earned)

    def _earned(self) -> None:
        self._let_go(Hold.RATE)
