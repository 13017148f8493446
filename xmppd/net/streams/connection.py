"""One TCP connection with one stream on it: bytes in, events to the stream; the `Link` of that stream.

What clients, servers and components have in common: element by element while authentication goes on, what waits stays
unread, and how a connection ends.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from OpenSSL import SSL
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.net.streams.inlet import StreamInlet
from xmppd.net.streams.paced import Hold, Paced
from xmppd.net.tls.peers import HasHandle
from xmppd.stream.framer import Framer


class Transport(HasHandle, Protocol):
    """What a client connection asks of its transport: Twisted's, ours, or one in memory."""

    def getPeer(self) -> object:
        """Give the peer's address."""

    def write(self, data: bytes) -> None:
        """Send *data*."""

    def loseConnection(self) -> None:
        """Close once all has left."""

    def abortConnection(self) -> None:
        """Close at once."""

    def pauseProducing(self) -> None:
        """Stop reading."""

    def resumeProducing(self) -> None:
        """Read on."""

    def startTLS(self, creator: object) -> None:
        """Begin TLS."""


@implementer(IHandshakeListener)
class StreamConnection(Paced, TwistedProtocol):
    """A connection whose stream and framer are made by a kind of it, in ``connectionMade``."""

    transport: Transport  # type: ignore[assignment]  # more than ITransport, less than any one class
    stream: StreamInlet
    framer: Framer

    def __init__(self, is_direct_tls: bool):
        self.is_secure = self._is_shaking_hands = is_direct_tls
        self._is_parsing = False
        self._held = b""
        Paced.__init__(self)
        self.is_heard = True
        self.round = 0
        self.peer = ""

    # -- what Twisted tells -------------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Parse *data* and hand over what it holds; while authentication goes on, one element at a time."""
        self.is_heard = True
        self._allowance -= len(data)
        if self._allowance < 0:
            self._spend()
        framer, receive = self.framer, self.stream.receive
        if framer.stepwise or self._held:
            self._step(data)
            return
        for event in framer.feed(data):
            receive(event)

    def handshakeCompleted(self) -> None:
        """TLS has begun: what is written leaves."""
        self._is_shaking_hands = False

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is gone, for whatever reason."""
        self._holds |= Hold.OVER
        self.framer.close()
        failed = _failed_handshake(reason) if self._is_shaking_hands else None
        if failed is None:
            self.stream.connection_lost()
        else:
            self.stream.connection_lost(failed)

    # -- the Link of the stream ---------------------------------------------------------------------------------------

    def begin_tls(self, creator: object) -> None:
        """Begin TLS; what came in plaintext before it is never executed (RFC 6120 5.4.3.3)."""
        self.framer.discard()
        self.is_secure = self._is_shaking_hands = True
        self.transport.startTLS(creator)

    def restart(self) -> None:
        """Expect a new stream header."""
        self.framer.restart()

    def take_limits(self) -> None:
        """Take the limits that hold from now on."""
        self.framer.limits = self.stream.element_limits

    def authenticated(self) -> None:
        """Take the limits that hold after authentication."""
        self.take_limits()
        self.framer.stepwise = False

    def bound(self, jid: str) -> None:
        """Read what is simple as sent by *jid* where it says nothing."""
        self.framer.from_ = jid

    def go_on(self) -> None:
        """Take what had to wait while an element of the negotiation was dealt with."""
        if self._is_parsing:
            return
        held, self._held = self._held, b""
        self._step(held)
        if not self.stream.is_waiting:  # not before: what is read then comes behind what was held
            self._let_go(Hold.ELEMENT)

    def drop(self) -> None:
        """Close the connection once all that was written has left; at once where it cannot leave yet."""
        if self._is_shaking_hands:
            self.transport.abortConnection()
        else:
            self.transport.loseConnection()

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abortConnection()

    def channel_bindings(self) -> Mapping[str, bytes]:
        """Give channel-binding data by type; none where a kind of stream has no use for it."""
        return {}

    def client_jids(self, host: str) -> Sequence[str]:
        """Give the bare JIDs that a verified client certificate names; none where it is no client."""
        return ()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _step(self, data: bytes) -> None:
        """Parse element by element; what follows one that is still being dealt with stays unread."""
        stream = self.stream
        if stream.is_waiting:
            self._held += data
            self._hold(Hold.ELEMENT)
            return
        self._is_parsing = True
        while not stream.is_waiting:
            taken = self.framer.feed(data)
            data = b""
            if not taken:
                break
            for event in taken:
                stream.receive(event)
        self._is_parsing = False


def _failed_handshake(reason: Failure | None) -> str | None:
    """What OpenSSL says of a handshake that came to nothing, in words; None where the peer just went away."""
    error = None if reason is None else reason.value
    if not isinstance(error, SSL.Error):
        return None
    said = error.args[0][-1][-1] if error.args and error.args[0] else type(error).__name__
    return f"TLS handshake failed: {said}"
