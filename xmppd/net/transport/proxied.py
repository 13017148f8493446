"""Connections that a load balancer passes on: its header is read first, and the client's address counts from then on.

Stands in front of whatever takes accepted sockets, so that the transports know nothing of it: the header is taken off
the socket to the byte, before TLS or the stream has read any. Who is not trusted to say such a thing goes past it.
"""

import socket
from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.config.section import Network
from xmppd.core.networks import is_among
from xmppd.net.transport.listen import OnAccept, PeerAddress, Reactor
from xmppd.net.transport.proxy_header import MAX_BYTES, BadHeader, ProxyHeader


class ProxiedAcceptor:
    """Hands on what is accepted, with the address that a trusted balancer names as the peer's."""

    log = Logger()

    def __init__(
        self, accept: OnAccept, reactor: Reactor, proxies: Sequence[Network], timeout_s: Callable[[], float]
    ) -> None:
        """*proxies* are believed; each has to begin with a header, whole within *timeout_s*."""
        self.accept = accept
        self.reactor = reactor
        self.timeout_s = timeout_s
        self.waiting: dict[_Awaited, None] = {}
        self._proxies = proxies

    def __call__(self, sock: socket.socket, peer: PeerAddress) -> None:
        """Take *sock* over."""
        if is_among(peer[0], self._proxies):
            _Awaited(self, sock, peer).start()
        else:
            self.accept(sock, peer)

    def stop(self) -> None:
        """Close those whose header has not come."""
        for awaited in list(self.waiting):
            awaited.close()


@implementer(IReadDescriptor)
class _Awaited:
    """One connection of a balancer, until its header is there."""

    def __init__(self, acceptor: ProxiedAcceptor, sock: socket.socket, peer: PeerAddress) -> None:
        self._acceptor = acceptor
        self._socket = sock
        self._peer = peer
        self._header = ProxyHeader()
        self._descriptor = sock.fileno()
        self._deadline: IDelayedCall | None = None

    def start(self) -> None:
        """Read when something comes."""
        acceptor = self._acceptor
        acceptor.waiting[self] = None
        self._deadline = acceptor.reactor.callLater(acceptor.timeout_s(), self._late)
        acceptor.reactor.addReader(self)

    def fileno(self) -> int:
        """Give the descriptor, −1 once it is another's."""
        return self._descriptor

    def logPrefix(self) -> str:
        """Give a name for Twisted's own lines."""
        return "balancer"

    def doRead(self) -> None:
        """Look at what has come, and take the header off it."""
        sock, header = self._socket, self._header
        try:
            data = sock.recv(MAX_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not data:
            self.close(
                "it ends within its header" if header.has_begun else ""
            )  # or looks whether we are there
            return
        try:
            sock.recv(header.take(data))
        except BadHeader as bad:
            self.close(str(bad))
            return
        if header.is_complete:
            self._hand_on()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor gives the descriptor up."""
        self.close()

    def close(self, why: str = "") -> None:
        """Close the connection; *why* is told."""
        if self._leave():
            self._socket.close()
            if why:
                self._acceptor.log.info(
                    "A connection of the balancer {peer} is closed: {why}", peer=self._peer[0], why=why
                )

    def _late(self) -> None:
        self.close("its PROXY header does not come")

    def _hand_on(self) -> None:
        self._leave()
        try:
            self._acceptor.accept(self._socket, self._header.client or self._peer)
        except Exception:  # noqa: BLE001 - as where connections are accepted: one bad one is one bad one
            self._socket.close()
            self._acceptor.log.failure("A connection could not be set up", Failure(), peer=self._peer[0])

    def _leave(self) -> bool:
        """Have nothing to do with the reactor any more; False where that is so already."""
        if self._acceptor.waiting.pop(self, 0) == 0:
            return False
        self._acceptor.reactor.removeReader(self)
        self._descriptor = -1
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        return True
