"""The server transport: a socket of ours under a Twisted protocol, plain, and after ``startTLS`` under TLS.

``serve`` is the door: it makes a transport and its protocol for an accepted socket. See
``net/transport/output.py`` for how output leaves, ``net/transport/tls_transport.py`` for TLS. Twisted's own transport
remains the fallback and passes the same tests.
"""

import socket

from twisted.internet.interfaces import IHalfCloseableProtocol, IProtocol, IProtocolFactory, ITLSTransport
from zope.interface import implementer

from xmppd.net.transport.flush import FlushQueue
from xmppd.net.transport.output import DEFAULT_LIMITS, IReactorForTransports, TransportLimits
from xmppd.net.transport.socket_transport import DONE_REASON, LOST_REASON, SocketTransport
from xmppd.net.transport.sockets import READ_BYTES, Sockaddr, twisted_address
from xmppd.net.transport.tls_socket import tls_socket
from xmppd.net.transport.tls_transport import TLSTransport


@implementer(ITLSTransport)
class Transport(SocketTransport):
    """A plain transport that can switch to TLS in place."""

    __slots__ = ()

    def startTLS(self, context: object, normal: bool = True) -> None:
        """Switch to TLS: what was written so far still leaves in the clear, what comes from now on is TLS.

        *context* is an ``SSL.Context`` or has ``make_connection(socket)``; not *normal* swaps the roles.
        Bytes that the peer sent behind its request are with the protocol already, which drops them (RFC 6120 5.4.3.3).
        """
        if not self.connected or self._socket is None:
            return
        tls = tls_socket(context, self._socket, self._is_client is normal)
        # The same object goes on, so that the protocol's reference holds; both classes have the same slots.
        self.__class__ = TLSTransport  # type: ignore[assignment]
        TLSTransport.begin(self, tls)  # type: ignore[arg-type]  # it is one by now

    def doRead(self) -> None:
        """Read once, and hand it over."""
        if not self.connected:
            return
        try:
            data = self._socket.recv(READ_BYTES)  # type: ignore[union-attr]  # there is one while connected
        except BlockingIOError:
            return
        except OSError:
            self.connectionLost(LOST_REASON)
            return
        if data:
            self.protocol.dataReceived(data)  # type: ignore[union-attr]  # as above
        else:
            self._input_ended()

    def _input_ended(self) -> None:
        self._read_is_over = True
        self._reactor.removeReader(self)
        protocol = self.protocol
        if IHalfCloseableProtocol.providedBy(protocol):
            protocol.readConnectionLost()
            if not self._write_closed:
                return
        else:
            self._last_words()
        self.connectionLost(DONE_REASON)

    def _transmit(self, data: bytes | memoryview) -> int:
        try:
            return self._socket.send(data)  # type: ignore[union-attr]  # as above
        except BlockingIOError:
            return 0
        except OSError:
            self.connectionLost(LOST_REASON)
            return -1

    def _finish(self) -> None:
        self.connectionLost(DONE_REASON)

    def _shut_output(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)  # type: ignore[union-attr]  # as above
        except OSError:
            self.connectionLost(LOST_REASON)
            return
        super()._shut_output()
        if self._read_is_over:
            self.connectionLost(DONE_REASON)


def serve(
    sock: socket.socket,
    addr: Sockaddr,
    factory: IProtocolFactory,
    reactor: IReactorForTransports,
    flush_queue: FlushQueue,
    *,
    tls: object = None,
    limits: TransportLimits = DEFAULT_LIMITS,
) -> Transport | None:
    """Connect the accepted *sock* from *addr* to a new protocol of *factory*; with *tls* under TLS from the start.

    None, and the socket closed, where the factory makes no protocol. An error of the protocol is raised, after the
    socket was closed.
    """
    try:
        protocol = factory.buildProtocol(twisted_address(addr))
        if protocol is None:
            sock.close()
            return None
    except BaseException:
        sock.close()
        raise
    return attach(sock, addr, protocol, reactor, flush_queue, tls=tls, limits=limits)


def attach(
    sock: socket.socket,
    addr: Sockaddr,
    protocol: IProtocol,
    reactor: IReactorForTransports,
    flush_queue: FlushQueue,
    *,
    tls: object = None,
    limits: TransportLimits = DEFAULT_LIMITS,
    is_client: bool = False,
) -> Transport:
    """Connect *protocol* to the connected *sock*, as `serve` does; *is_client*: of TLS, ours is the client's side."""
    try:
        transport = Transport(sock, addr, protocol, reactor, flush_queue, limits, is_client)
    except BaseException:
        sock.close()
        raise
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    try:
        reactor.addReader(transport)
        if tls is not None:
            transport.startTLS(tls)
        protocol.makeConnection(transport)
    except BaseException:
        transport.abortConnection()
        raise
    return transport
