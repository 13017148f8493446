"""What a plain and a TLS transport share beside output: the socket, reading and pausing, and the ways to the end.

Callbacks and reasons are those of Twisted's own transports (``makeConnection``, ``dataReceived``,
``connectionLost`` with ConnectionDone, ConnectionLost, ConnectionAborted). What differs: writes leave together at
the end of the reactor's turn, sent at once, and only what the kernel does not take waits for the poller; the write
buffer is bounded; a close that the peer does not let happen is cut after a while.
"""

import contextlib
import socket

from OpenSSL import SSL
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IHalfCloseableDescriptor,
    IHalfCloseableProtocol,
    IProtocol,
    IPushProducer,
    IReadWriteDescriptor,
    ISystemHandle,
    ITCPTransport,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.net.transport.flush import FlushQueue
from xmppd.net.transport.output import (
    DEFAULT_LIMITS,
    SEND_BYTES,
    CloseTimedOut,
    IReactorForTransports,
    Output,
    TransportLimits,
)
from xmppd.net.transport.sockets import Sockaddr, close_socket, twisted_address
from xmppd.net.transport.tls_socket import OPEN, TLSSocket

DONE_REASON = Failure(ConnectionDone("Connection done"))
DONE_REASON.check(ConnectionDone)  # now it works out what it keeps, not when many connections end
LOST_REASON = Failure(ConnectionLost("Connection lost"))


@implementer(
    ITCPTransport, ISystemHandle, IPushProducer, IConsumer, IReadWriteDescriptor, IHalfCloseableDescriptor
)
class SocketTransport(Output):
    """A connected socket between a reactor and a protocol.

    No slot but these may be added in the classes below: a plain transport becomes a TLS one in place.
    """

    __slots__ = (
        "_host",
        "_is_client",
        "_is_paused",
        "_peer",
        "_read_is_over",
        "_reread",
        "_size_at_check",
        "_socket",
        "_timer",
        "_tls",
        "protocol",
    )

    def __init__(
        self,
        sock: socket.socket,
        peer: Sockaddr,
        protocol: IProtocol,
        reactor: IReactorForTransports,
        flush_queue: FlushQueue,
        limits: TransportLimits = DEFAULT_LIMITS,
        is_client: bool = False,
    ) -> None:
        super().__init__(reactor, flush_queue, limits)
        sock.setblocking(False)
        self._socket: socket.socket | None = sock
        self._peer = peer
        self._host: Sockaddr = sock.getsockname()
        self.protocol: IProtocol | None = protocol
        self._is_client = is_client
        self._is_paused = False
        self._read_is_over = False
        self._tls: TLSSocket | None = None
        self._timer: IDelayedCall | None = None
        self._reread: IDelayedCall | None = None
        self._size_at_check = 0

    # For the protocol: reading and the end.

    def pauseProducing(self) -> None:
        """Read no more until ``resumeProducing``."""
        self._is_paused = True
        self._reactor.removeReader(self)

    def resumeProducing(self) -> None:
        """Read on."""
        self._is_paused = False
        if self.connected and not self.disconnecting and not self._read_is_over:
            self._reactor.addReader(self)

    def stopProducing(self) -> None:
        """Close, as ``loseConnection``."""
        self.loseConnection()

    def loseConnection(self) -> None:
        """Close once the output has left and no producer is registered; no more is read."""
        if self.connected and not self.disconnecting:
            self.disconnecting = True
            self._takes_output = self.producer is not None
            self._reactor.removeReader(self)
            self._flush_soon()

    def abortConnection(self) -> None:
        """Cut the connection: the output is dropped, the peer sees a reset."""
        self._abort(ConnectionAborted())

    # For the protocol: questions and settings.

    @property
    def disconnected(self) -> bool:
        """Whether ``connectionLost`` has been reached."""
        return self._socket is None

    @property
    def tls_connection(self) -> SSL.Connection | None:
        """The TLS connection, for channel binding, ALPN, SNI and certificates; None in plaintext and at the end."""
        return None if self._tls is None else self._tls.connection

    def getPeer(self) -> IPv4Address | IPv6Address:
        """The other end's address."""
        return twisted_address(self._peer)

    def getHost(self) -> IPv4Address | IPv6Address:
        """Our end's address."""
        return twisted_address(self._host)

    def getHandle(self) -> object:
        """The socket, None at the end; under TLS the TLS connection."""
        return self._socket

    def getTcpNoDelay(self) -> bool:
        """Whether small segments leave at once."""
        return self._option(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Have small segments leave at once, or not."""
        self._set_option(socket.IPPROTO_TCP, socket.TCP_NODELAY, enabled)

    def getTcpKeepAlive(self) -> bool:
        """Whether the kernel probes an idle peer."""
        return self._option(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Have the kernel probe an idle peer, or not."""
        self._set_option(socket.SOL_SOCKET, socket.SO_KEEPALIVE, enabled)

    # For the flush queue.

    def flush(self) -> None:
        """The turn ends: as of any output, in fewer steps for what most of it is, one piece that the kernel takes."""
        self._is_queued = False
        if not self.connected or self._is_blocked:
            return
        out, tls = self._out, self._tls
        if (
            len(out) != 1
            or self._out_size > SEND_BYTES
            or (tls is not None and (tls.phase != OPEN or tls.read_wants_write))
        ):
            self.doWrite()
            return
        sent = self._transmit(out[0])
        if sent != self._out_size:
            self._taken(sent)
            return
        out.clear()
        self._out_size = 0
        if self.disconnecting or self._write_closing or self.producer is not None:
            self._drained()

    # For the reactor.

    def fileno(self) -> int:
        """The descriptor, -1 at the end."""
        return -1 if self._socket is None else self._socket.fileno()

    def logPrefix(self) -> str:
        """What stands before a log line of this connection."""
        return type(self.protocol).__name__

    def doRead(self) -> None:
        """Something has come: hand over a bounded part of it."""
        raise NotImplementedError

    def readConnectionLost(self, reason: Failure) -> None:
        """The reactor guesses the end of the input from a hang-up; the socket knows, and may hold a rest of it."""
        self.doRead()
        if self.connected and not self._read_is_over and not self._is_paused:
            self._reactor.addReader(self)

    def writeConnectionLost(self, reason: Failure) -> None:
        """The reactor saw the end of the output before we did."""
        self.connectionLost(reason)

    def connectionLost(self, reason: Failure) -> None:
        """The end, by whichever way; the second time nothing."""
        sock = self._socket
        if sock is None:
            return
        self._reactor.removeReader(self)
        self._reactor.removeWriter(self)
        self._cancel_calls()
        protocol, producer = self.protocol, self.producer
        self.connected = False
        self._socket = self._tls = self.protocol = self.producer = None
        self._drop_output()
        close_socket(sock, is_orderly=reason.check(ConnectionAborted) is None)
        try:
            if producer is not None:
                producer.stopProducing()
        finally:
            if protocol is not None:
                protocol.connectionLost(reason)

    # Inside.

    def _input_ended(self) -> None:
        """The peer sends no more: half-closed where that is known, else the end, after a last try to send."""
        raise NotImplementedError

    def _last_words(self) -> None:
        """The connection is about to end because the peer's has: send what goes without waiting."""
        if self._out and not self._is_blocked:
            self._send_some()

    def _shut_output(self) -> None:
        """Tell the protocol; the subclass has told the peer."""
        protocol = self.protocol
        if IHalfCloseableProtocol.providedBy(protocol):
            protocol.writeConnectionLost()

    def _block(self) -> None:
        super()._block()
        if self.disconnecting:
            self._start_timer()

    def _abort(self, error: ConnectionAborted) -> None:
        if not self.connected:
            return
        self.connected = False
        self._drop_output()
        self._reactor.removeReader(self)
        self._reactor.removeWriter(self)
        self._cancel_calls()
        self._timer = self._reactor.callLater(0, self.connectionLost, Failure(error))

    def _start_timer(self) -> None:
        """Give the peer some seconds to take the rest and the close, and as many again after each progress."""
        if self._timer is None:
            self._size_at_check = self._out_size
            self._timer = self._reactor.callLater(self._limits.close_timeout_s, self._close_is_due)

    def _close_is_due(self) -> None:
        self._timer = None
        if self._out_size < self._size_at_check:
            self._start_timer()
        else:
            self._abort(CloseTimedOut("the peer did not take the close"))

    def _cancel_calls(self) -> None:
        for call in (self._timer, self._reread):
            if call is not None and call.active():
                call.cancel()
        self._timer = self._reread = None

    def _option(self, level: int, name: int) -> bool:
        return self._socket is not None and bool(self._socket.getsockopt(level, name))

    def _set_option(self, level: int, name: int, enabled: bool) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # not a TCP socket, or the peer is gone already
                self._socket.setsockopt(level, name, int(enabled))
