"""Listening sockets: bound before a daemon forks, accepted from afterwards.

A `Listener` accepts and knows nothing of protocols: it hands each socket to its `on_accept`, so that Twisted's
transports (`StockAcceptor`) and our own can stand behind the same port. TCP_NODELAY and SO_KEEPALIVE are set on the
listening socket: accepted ones inherit them (Linux, BSD), which costs no system call a connection.

When file descriptors run short, the listeners that share a `DescriptorShortage` stop accepting, one line says so, and
once a second it looks whether there are some again; connections wait in the kernel meanwhile. The last
`RESERVED_DESCRIPTORS` are left to storage, files and connections that go out.
"""

import errno
import os
import resource
import socket
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.interfaces import (
    IDelayedCall,
    IOpenSSLServerConnectionCreator,
    IProtocolFactory,
    IReadDescriptor,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.config.section import Address
from xmppd.net.transport.output import DEFAULT_LIMITS
from xmppd.net.transport.sockets import twisted_address
from xmppd.net.transport.stock_bounds import BoundedServer

BACKLOG = 1024
ACCEPTS_A_TURN = 64
"""So that a flood of new connections leaves time for the old ones."""
RESERVED_DESCRIPTORS = 32
RETRY_S = 1.0
CALM_S = 60.0
"""A shortage is over, and the next one worth a line of its own, after so long without one."""

_SHORTAGE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_PORTS_OF_ROOT = 1024
_REASONS = {
    errno.EADDRINUSE: "the port is in use by another program",
    errno.EACCES: f"ports below {_PORTS_OF_ROOT} need a right (CAP_NET_BIND_SERVICE) that this process does not have",
    errno.EADDRNOTAVAIL: "this machine does not have the address",
    errno.EAFNOSUPPORT: "this machine does not speak this version of IP",
}

PeerAddress = tuple[Any, ...]
"""As ``socket.accept`` gives it: (host, port) or (host, port, flow, scope)."""
OnAccept = Callable[[socket.socket, PeerAddress], None]
"""Takes over an accepted socket, already non-blocking."""


class ListenError(Exception):
    """An address cannot be listened on; the text is one line that says why and what to do."""


class Reactor(Protocol):
    """What listeners use of a reactor."""

    def addReader(self, reader: Any) -> None:
        """Call ``doRead`` when there is something to read."""

    def removeReader(self, reader: Any) -> None:
        """Call it no more."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any, **kw: Any) -> IDelayedCall:  # noqa: A002
        """Call once, *delay* seconds from now."""


def bind(address: Address, option: str = "listen") -> socket.socket:
    """Give a listening socket, non-blocking; *option* is named in the `ListenError` as what to change."""
    sock = None
    try:
        sock = socket.socket(socket.AF_INET6 if address.is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
        prepare(sock)
        if address.is_ipv6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address.host, address.port))
        sock.listen(BACKLOG)
    except OSError as error:
        if sock is not None:
            sock.close()
        why = _REASONS.get(error.errno or 0, error.strerror)
        raise ListenError(f"cannot listen on {address}: {why}; free it or change {option}") from error
    return sock


def bind_all(
    addresses: Iterable[Address], option: str = "listen", *, is_ipv6_optional: bool = False
) -> list[socket.socket]:
    """Listen on all *addresses* or on none; raises `ListenError`.

    With *is_ipv6_optional*, for a list that nobody wrote, addresses of IP version 6 are left out where the machine has
    none.
    """
    sockets: list[socket.socket] = []
    for address in addresses:
        try:
            sockets.append(bind(address, option))
        except ListenError as error:
            number = getattr(error.__cause__, "errno", None)
            if is_ipv6_optional and address.is_ipv6 and number in _NO_IPV6:
                continue
            for sock in sockets:
                sock.close()
            raise
    return sockets


def address_of(sock: socket.socket) -> Address:
    """Give where *sock* really listens, with the port that the system chose."""
    host, port = sock.getsockname()[:2]
    return Address(host, port)


def raise_descriptor_limit() -> int:
    """Raise the soft limit on file descriptors to the hard one; give what holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):  # "unlimited" may be more than the kernel takes
            return soft
    return hard


class DescriptorShortage:
    """Whether there are file descriptors for new connections; shared by the listeners of a process."""

    _log = Logger()

    def __init__(self, reactor: Reactor, limit: int) -> None:
        """*limit* is the number of descriptors that the process may have."""
        self._reactor = reactor
        self._room = limit - min(RESERVED_DESCRIPTORS, limit // 4)
        self._waiting: dict[Listener, None] = {}
        self._is_told = False
        self._call: IDelayedCall | None = None

    def has_room(self, descriptor: int) -> bool:
        """Say whether, *descriptor* being the lowest that was free, there are enough left."""
        return descriptor < self._room

    def wait(self, listener: "Listener") -> None:
        """Have *listener* resumed once there is room."""
        if not self._waiting:
            self._call_later(RETRY_S, self._look)
        self._waiting[listener] = None
        if not self._is_told:
            self._is_told = True
            self._log.warn("File descriptors run short: new connections wait (limit {room})", room=self._room)

    def forget(self, listener: "Listener") -> None:
        """The listener has closed."""
        self._waiting.pop(listener, None)
        if not self._waiting and self._call is not None:
            self._call.cancel()
            self._call = None

    def _look(self) -> None:
        if not self._is_over(next(iter(self._waiting))):
            self._call_later(RETRY_S, self._look)
            return
        waiting, self._waiting = self._waiting, {}
        self._call_later(CALM_S, self._calm_down)
        for listener in waiting:
            listener.resume()

    def _calm_down(self) -> None:
        self._call = None
        self._is_told = False
        self._log.info("There are file descriptors enough again")

    def _call_later(self, seconds: float, call: Callable[[], None]) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = self._reactor.callLater(seconds, call)

    def _is_over(self, listener: "Listener") -> bool:
        try:
            probe = os.dup(listener.fileno())
        except OSError:
            return False
        os.close(probe)
        return self.has_room(probe)


@implementer(IReadDescriptor)
class Listener(Service):
    """One listening socket; a service: it accepts between `startService` and `stop_accepting`."""

    _log = Logger()

    def __init__(
        self,
        sock: socket.socket,
        reactor: Reactor,
        on_accept: OnAccept,
        shortage: DescriptorShortage,
        at_end: Callable[[], None] | None = None,
    ) -> None:
        """*at_end* is called when no more is accepted."""
        self._at_end = at_end
        self._socket = sock
        self._reactor = reactor
        self._on_accept = on_accept
        self._shortage = shortage
        self.address = address_of(sock)

    def startService(self) -> None:
        """Begin to accept; what connected since the socket was bound comes first."""
        Service.startService(self)
        self.resume()

    def stopService(self) -> None:
        """Close the socket; connections live on."""
        Service.stopService(self)
        self.stop_accepting()

    def stop_accepting(self) -> None:
        """Close the socket, once and for all: clients are refused from now on."""
        self._reactor.removeReader(self)
        self._shortage.forget(self)
        self._socket.close()
        if self._at_end is not None:
            self._at_end()

    def resume(self) -> None:
        """Accept (again)."""
        self._reactor.addReader(self)

    def doRead(self) -> None:
        """Accept what waits, as far as this turn allows."""
        for _ in range(ACCEPTS_A_TURN):
            try:
                sock, peer = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _SHORTAGE:
                    self._pause()
                # else the peer went away while it waited; the reactor calls again if there are more
                return
            has_room = self._shortage.has_room(sock.fileno())
            self._hand_over(sock, peer)
            if not has_room:
                self._pause()
                return

    def _pause(self) -> None:
        self._reactor.removeReader(self)
        self._shortage.wait(self)

    def _hand_over(self, sock: socket.socket, peer: PeerAddress) -> None:
        sock.setblocking(False)
        try:
            self._on_accept(sock, peer)
        except Exception:  # noqa: BLE001 - a net of its own: one bad connection must not make the port deaf
            sock.close()
            self._log.failure("A connection could not be set up", Failure(), peer=peer[0])

    def fileno(self) -> int:
        """Give the descriptor, −1 once closed."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """Give a name for Twisted's own lines."""
        return f"listener {self.address}"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor gives the descriptor up."""
        self.stop_accepting()


class StockAcceptor:
    """Gives accepted sockets to Twisted's own transport and a protocol of *factory*."""

    def __init__(
        self,
        factory: IProtocolFactory,
        reactor: Reactor,
        creator: IOpenSSLServerConnectionCreator | None = None,
        write_buffer_bytes: Callable[[], int] = lambda: DEFAULT_LIMITS.write_buffer_bytes,
    ) -> None:
        """With *creator* TLS comes before the first byte (direct TLS)."""
        self._write_buffer_bytes = write_buffer_bytes
        self._factory = factory
        self._reactor = reactor
        self._creator = creator
        self._realPortNumber: int | None = None  # the transport's repr asks its port for it
        self._count = 0

    def __call__(self, sock: socket.socket, peer: PeerAddress) -> None:
        """Connect a protocol to *sock*; one that the factory does not want is closed."""
        protocol = self._factory.buildProtocol(twisted_address(peer))
        if protocol is None:
            sock.close()
            return
        self._count += 1
        if self._realPortNumber is None:
            self._realPortNumber = sock.getsockname()[1]
        transport = BoundedServer(sock, protocol, peer, self, self._count, self._reactor)  # type: ignore[arg-type]
        transport.write_buffer_bytes = self._write_buffer_bytes()
        try:
            if self._creator is not None:
                transport.startTLS(self._creator)  # type: ignore[no-untyped-call]  # Twisted's
            protocol.makeConnection(transport)
        except BaseException:
            transport.abortConnection()  # type: ignore[no-untyped-call]  # or the reactor goes on with its descriptor
            raise


def prepare(sock: socket.socket) -> None:
    """Set what connections inherit; it may be bound already."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
