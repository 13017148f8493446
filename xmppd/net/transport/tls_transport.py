"""A transport after ``startTLS``: TLS straight on the socket, driven by the poller's readiness.

Covered: the rest of the plaintext leaves before the handshake; want-read and want-write in both directions; what
OpenSSL holds back is drained in the next turn and after ``resumeProducing``; close_notify both ways under a timer;
an end without close_notify is ConnectionLost; renegotiation is refused by OpenSSL (see net/transport/tls_socket.py).
"""

from OpenSSL import SSL
from twisted.internet.interfaces import IHandshakeListener, INegotiated
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.net.transport.socket_transport import DONE_REASON, LOST_REASON, SocketTransport
from xmppd.net.transport.tls_socket import (
    BROKEN,
    CLEAR,
    CLOSED,
    CLOSING,
    DONE,
    HANDSHAKE,
    MORE,
    OPEN,
    WANT_READ,
    WANT_WRITE,
    TLSSocket,
)


@implementer(INegotiated)
class TLSTransport(SocketTransport):
    """A transport whose bytes are under TLS; made of a plain one by ``Transport.startTLS``."""

    __slots__ = ()

    _tls: TLSSocket
    """Where TLS stands; None at the end, when no method below is reached any more."""

    def begin(self, tls: TLSSocket) -> None:
        """Start with the handshake, after what was written in the clear and has not left yet."""
        self._tls = tls
        if self._out:
            tls.phase = CLEAR
            tls.clear = b"".join(self._out)
            self._out.clear()
            self._out_size = 0
            self._reactor.removeReader(self)  # what comes now is for the handshake, and stays in the kernel
            self._flush_soon()
        else:
            self._begin_handshake()

    # For the protocol.

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """The protocol agreed on by ALPN, None if none was."""
        connection = self.tls_connection
        return None if connection is None else connection.get_alpn_proto_negotiated() or None

    def getPeerCertificate(self) -> object:
        """The peer's certificate, None if it gave none."""
        connection = self.tls_connection
        return None if connection is None else connection.get_peer_certificate()

    def getHandle(self) -> object:
        """The TLS connection, as Twisted's transport gives it; None at the end."""
        return self.tls_connection

    def startTLS(self, context: object, normal: bool = True) -> None:
        """Refused: there is one layer of TLS."""
        raise RuntimeError("TLS has been started already")

    def pauseProducing(self) -> None:
        """Hand over no more until ``resumeProducing``; a handshake goes on."""
        self._is_paused = True
        if self.connected and self._tls.phase == OPEN:
            self._reactor.removeReader(self)

    def resumeProducing(self) -> None:
        """Hand over again, also what OpenSSL has decrypted meanwhile."""
        self._is_paused = False
        if not self.connected or self.disconnecting or self._tls.phase != OPEN:
            return
        self._reactor.addReader(self)
        if self._tls.pending() or self._tls.read_wants_write:
            self._tls.read_wants_write = False
            self._read_soon()

    def loseConnection(self) -> None:
        """As of a plain transport, with close_notify both ways; a handshake under way may end if there is output."""
        super().loseConnection()
        if self.connected and self._tls.phase != OPEN:
            self._start_timer()
            if self._tls.phase != CLEAR:
                self._reactor.addReader(self)

    # For the reactor.

    def doRead(self) -> None:
        """Something has come: for the handshake, for the protocol, or at the close."""
        if not self.connected:
            return
        tls = self._tls
        if tls.phase == OPEN:
            self._read_open(tls)
        elif tls.phase == HANDSHAKE:
            self._shake_hands()
        elif tls.phase == CLOSING:
            self._await_close(tls)

    def doWrite(self) -> None:
        """There is room: go on with what waited for it."""
        if not self.connected:  # a read in the same event found the end
            return
        tls = self._tls
        if tls.phase == OPEN:
            if tls.read_wants_write:
                self._retry_read(tls)
            super().doWrite()
            if tls.read_wants_write and tls.phase == OPEN and self.connected and not self._is_paused:
                self._reactor.addWriter(self)
        elif tls.phase == HANDSHAKE:
            self._shake_hands()
        elif tls.phase == CLEAR:
            self._send_clear(tls)
        elif self._is_blocked:
            self._finish()

    # Handshake.

    def _send_clear(self, tls: TLSSocket) -> None:
        sock = self._socket
        assert sock is not None
        try:
            sent = sock.send(tls.clear)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.connectionLost(LOST_REASON)
            return
        tls.clear = tls.clear[sent:]
        if tls.clear:
            self._block()
        else:
            self._begin_handshake()

    def _begin_handshake(self) -> None:
        self._tls.phase = HANDSHAKE
        self._is_blocked = False
        self._reactor.removeWriter(self)
        self._reactor.addReader(self)
        if self._is_client or self.disconnecting:
            self._flush_soon()

    def _shake_hands(self) -> None:
        tls = self._tls
        outcome = tls.handshake()
        if outcome == DONE:
            self._handshake_done(tls)
        elif outcome == WANT_READ:
            self._is_blocked = False
            self._reactor.removeWriter(self)
            if self.disconnecting and not self._out:
                self.connectionLost(DONE_REASON)
        elif outcome == WANT_WRITE:
            self._block()
        else:
            self.connectionLost(_reason(tls))

    def _handshake_done(self, tls: TLSSocket) -> None:
        tls.phase = OPEN
        self._is_blocked = False
        self._reactor.removeWriter(self)
        if self._is_paused or self.disconnecting:
            self._reactor.removeReader(self)
        if self._out or self.disconnecting:
            self._flush_soon()
        if IHandshakeListener.providedBy(self.protocol):
            self.protocol.handshakeCompleted()

    # Input.

    def _read_open(self, tls: TLSSocket) -> None:
        if tls.write_wants_read:
            tls.write_wants_read = self._is_blocked = False
            super().doWrite()
            if not self.connected:
                return
            if self._is_paused and not tls.write_wants_read:
                self._reactor.removeReader(self)
                return
        data, outcome = tls.read()
        if data:
            self.protocol.dataReceived(data)  # type: ignore[union-attr]  # there is one while connected
        if outcome != WANT_READ and self.connected:
            self._read_stopped(tls, outcome)

    def _read_stopped(self, tls: TLSSocket, outcome: int) -> None:
        if outcome == MORE:
            if tls.pending() and not self._is_paused and not self.disconnecting:
                self._read_soon()
        elif outcome == WANT_WRITE:
            tls.read_wants_write = True
            self._reactor.addWriter(self)
        elif outcome == CLOSED:
            self._input_ended()
        else:
            self.connectionLost(_reason(tls))

    def _retry_read(self, tls: TLSSocket) -> None:
        """A read that had to write first (a key update) goes on, or waits for resumeProducing."""
        if not self._is_blocked:
            self._reactor.removeWriter(self)
        if not self._is_paused and not self.disconnecting:
            tls.read_wants_write = False
            self._read_open(tls)

    def _read_soon(self) -> None:
        """Read in the next turn what OpenSSL holds: the poller does not know of it."""
        if self._reread is None:
            self._reread = self._reactor.callLater(0, self._read_again)

    def _read_again(self) -> None:
        self._reread = None
        if not self.connected or (self._is_paused and self._tls.phase == OPEN):
            return
        try:
            self.doRead()
        except Exception:  # noqa: BLE001 - as the reactor does: logged, and this connection alone is lost
            failure = Failure()
            self.log.failure("a protocol failed in dataReceived", failure)
            self.connectionLost(failure)

    def _input_ended(self) -> None:
        """The peer's close_notify: answered by ours. Half-close is not offered under TLS."""
        self._last_words()
        if self.connected:
            self._tls.shutdown()
            self.connectionLost(DONE_REASON)

    # Output and the close.

    def _transmit(self, data: bytes | memoryview) -> int:
        tls = self._tls
        sent, outcome = tls.write(data)
        if outcome == DONE:
            return sent
        if outcome == WANT_READ:
            tls.write_wants_read = True
        elif outcome != WANT_WRITE:
            self.connectionLost(_reason(tls))
            return -1
        return sent

    def _block(self) -> None:
        if self._tls.write_wants_read:
            self._is_blocked = True
            self._reactor.addReader(self)
        else:
            super()._block()

    def _finish(self) -> None:
        tls = self._tls
        tls.phase = CLOSING
        outcome = tls.shutdown()
        if outcome == WANT_READ:
            self._is_blocked = False
            self._reactor.removeWriter(self)
            self._reactor.addReader(self)
            self._start_timer()
        elif outcome == WANT_WRITE:
            self._block()
        else:
            self.connectionLost(DONE_REASON)

    def _shut_output(self) -> None:
        self._tls.shutdown()
        super()._shut_output()

    def _await_close(self, tls: TLSSocket) -> None:
        """Our close_notify is out: what still comes is dropped, until the peer's or the end."""
        _, outcome = tls.read()
        if outcome == MORE:
            self._read_soon()
        elif outcome in (CLOSED, BROKEN):
            self.connectionLost(DONE_REASON)


def _reason(tls: TLSSocket) -> Failure:
    """Why TLS broke: the plain ConnectionLost where the peer just went away, else OpenSSL's error."""
    if tls.error is None or isinstance(tls.error, SSL.SysCallError):
        return LOST_REASON
    return Failure(tls.error)
