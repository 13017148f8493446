"""Connections that go out, on our own transport or on Twisted's: the `xmppd.core.outgoing.Dial` of a process."""

import errno
import os
import socket
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IProtocol, IWriteDescriptor
from twisted.internet.protocol import ClientFactory
from twisted.internet.tcp import Connector
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.config.limits import Limits
from xmppd.core.outgoing import CannotConnect
from xmppd.net.transport.choice import attach
from xmppd.net.transport.flush import FlushQueue, flush_queue_of
from xmppd.net.transport.output import TransportLimits
from xmppd.net.transport.stock_bounds import BoundedClient

TIMEOUT_S: Final = 15.0
"""How long a connection may take to come about."""
_UNDER_WAY: Final = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)
P = TypeVar("P", bound=IProtocol)


def dialer(reactor: Any, is_stock: bool, limits: Callable[[], Limits]) -> "OwnDial | StockDial":
    """Give what opens the connections of a process."""
    return StockDial(reactor, limits) if is_stock else OwnDial(reactor, limits)


class OwnDial:
    """On our own transport."""

    def __init__(self, reactor: Any, limits: Callable[[], Limits], timeout_s: float = TIMEOUT_S) -> None:
        """*limits* gives what holds for a connection that begins now."""
        self._reactor = reactor
        self._limits = limits
        self._timeout_s = timeout_s
        self._queue: FlushQueue = flush_queue_of(reactor)

    def __call__(
        self, address: str, port: int, protocol: Callable[[], P], *, tls: object = None
    ) -> Deferred[P]:
        """As `xmppd.core.outgoing.Dial`."""
        attempt: _Attempt | None = None

        def connected(sock: socket.socket) -> P:
            made = protocol()
            limits = self._limits()
            bounds = TransportLimits(
                write_buffer_bytes=limits.send_buffer_bytes, close_timeout_s=limits.close_timeout_s
            )
            attach(
                sock,
                sock.getpeername(),
                made,
                self._reactor,
                self._queue,
                tls=tls,
                limits=bounds,
                is_client=True,
            )
            return made

        def cancelled(_: object) -> None:
            assert attempt is not None
            attempt.give_up()

        waiting: Deferred[socket.socket] = Deferred(cancelled)
        attempt = _Attempt(self._reactor, address, port, self._timeout_s, waiting)
        return waiting.addCallback(connected)


class StockDial:
    """On Twisted's own transport."""

    def __init__(self, reactor: Any, limits: Callable[[], Limits], timeout_s: float = TIMEOUT_S) -> None:
        """As `OwnDial`."""
        self._reactor = reactor
        self._limits = limits
        self._timeout_s = timeout_s

    def __call__(
        self, address: str, port: int, protocol: Callable[[], P], *, tls: object = None
    ) -> Deferred[P]:
        """As `xmppd.core.outgoing.Dial`."""

        def cancelled(_: object) -> None:
            factory.is_cancelled = True
            connector.stopConnecting()

        waiting: Deferred[P] = Deferred(cancelled)
        factory = _OneConnection(protocol, waiting, tls, f"{address}:{port}")
        connector = _BoundedConnector(address, port, factory, self._timeout_s, None, self._reactor)
        connector.write_buffer_bytes = self._limits().send_buffer_bytes
        connector.connect()
        return waiting


class _Reactor(Protocol):
    def addWriter(self, writer: Any) -> None: ...

    def removeWriter(self, writer: Any) -> None: ...

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> IDelayedCall: ...  # noqa: A002


@implementer(IWriteDescriptor)
class _Attempt:
    """A socket that is connecting: writable once that is decided."""

    def __init__(
        self, reactor: _Reactor, address: str, port: int, timeout_s: float, waiting: Deferred[socket.socket]
    ) -> None:
        self._reactor = reactor
        self._waiting = waiting
        self._target = f"{address}:{port}"
        self._socket: socket.socket | None = None
        self._timer: IDelayedCall | None = None
        try:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            self._socket = socket.socket(family, socket.SOCK_STREAM)
            self._socket.setblocking(False)
            code = self._socket.connect_ex((address, port))
        except OSError as error:  # no descriptors, no such family, no such address
            self._fail(error.strerror or str(error))
            return
        if code not in _UNDER_WAY:
            self._fail(os.strerror(code))
            return
        self._timer = reactor.callLater(timeout_s, self._fail, "no answer in time")
        reactor.addWriter(self)

    def give_up(self) -> None:
        """Somebody has cancelled it."""
        self._leave(is_kept=False)

    def fileno(self) -> int:
        """The descriptor, -1 at the end."""
        return -1 if self._socket is None else self._socket.fileno()

    def logPrefix(self) -> str:
        """What stands before a log line of this connection."""
        return f"to {self._target}"

    def doWrite(self) -> None:
        """It is decided."""
        sock = self._socket
        if sock is None:
            return
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._fail(os.strerror(code))
            return
        self._leave(is_kept=True)
        try:
            sock.getpeername()
        except OSError as error:
            sock.close()
            self._waiting.errback(CannotConnect(f"{self._target}: {error.strerror}"))
            return
        self._waiting.callback(sock)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor has seen an end before us."""
        if self._socket is not None:
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._fail(os.strerror(code) if code else reason.getErrorMessage())

    def _fail(self, why: str) -> None:
        self._leave(is_kept=False)
        self._waiting.errback(CannotConnect(f"{self._target}: {why}"))

    def _leave(self, is_kept: bool) -> None:
        """The reactor has nothing to do with it any more."""
        sock = self._socket
        if sock is not None and self._timer is not None:
            self._reactor.removeWriter(self)
        self._socket = None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if sock is not None and not is_kept:
            sock.close()


class _OneConnection(ClientFactory):
    """Makes one protocol, and tells when it is connected."""

    noisy = False

    def __init__(self, protocol: Callable[[], Any], waiting: Deferred[Any], tls: object, target: str) -> None:
        self._make = protocol
        self._waiting = waiting
        self._tls = tls
        self._target = target
        self.is_cancelled = False
        """Whether nobody waits any more."""

    def buildProtocol(self, addr: object) -> Any:
        """Make it."""
        made = self._make()
        connected, tls = made.makeConnection, self._tls

        def make_connection(transport: Any) -> None:
            if tls is not None:
                transport.startTLS(tls)
            connected(transport)
            self._waiting.callback(made)

        made.makeConnection = make_connection
        return made

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        """It did not come about."""
        if not self.is_cancelled:
            self._waiting.errback(CannotConnect(f"{self._target}: {reason.getErrorMessage()}"))


class _BoundedConnector(Connector):
    """Connects Twisted's transport, with a bound."""

    write_buffer_bytes = 0

    def _makeTransport(self) -> BoundedClient:
        made = BoundedClient(  # type: ignore[no-untyped-call]  # Twisted's
            self.host, self.port, self.bindAddress, self, self.reactor
        )
        made.write_buffer_bytes = self.write_buffer_bytes
        return made
