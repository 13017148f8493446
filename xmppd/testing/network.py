"""A network in memory: names and connections between the servers of one test.

A server takes it for its environment (``MemoryServer(network=network)``): it resolves names, and dials. What is written
arrives one turn of the clock later, in order; TLS is without TLS.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from xmppd.core.outgoing import CannotConnect, Service

P = TypeVar("P", bound=IProtocol)


class Wire:
    """One end of a connection: a transport, as far as streams use one."""

    unsent_bytes = 0

    def __init__(self, clock: Clock, port: int) -> None:
        self._clock = clock
        self._port = port
        self._is_open = True
        self.peer: Wire | None = None
        self.protocol: Any = None

    def write(self, data: bytes) -> None:
        """Send *data*."""
        if self._is_open and self.peer is not None:
            self._clock.callLater(0, self.peer._arrived, data)

    def loseConnection(self) -> None:
        """Close once all has left."""
        if self._is_open and self.peer is not None:
            self._is_open = False
            self._clock.callLater(0, self.peer._ended)
            self._clock.callLater(0, self._lost)

    abortConnection = loseConnection

    def startTLS(self, creator: object) -> None:
        """Nothing changes on the wire."""

    def getPeer(self) -> IPv4Address:
        """The other end."""
        return IPv4Address("TCP", "127.0.0.1", self._port)

    def getHandle(self) -> object:
        """There is no socket."""
        return None

    def pauseProducing(self) -> None:
        """Reading goes on: nothing here has a bound."""

    resumeProducing = pauseProducing

    def _arrived(self, data: bytes) -> None:
        if self.protocol is not None:
            self.protocol.dataReceived(data)

    def _ended(self) -> None:
        self._is_open = False
        self._lost()

    def _lost(self) -> None:
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))


class MemoryNetwork:
    """Who listens where, and what names stand for; itself the resolver."""

    def __init__(self, clock: Clock) -> None:
        """*clock* is that of all its servers."""
        self.clock = clock
        self.names: dict[str, tuple[str, ...]] = {}
        """The addresses of hosts."""
        self.records: dict[str, tuple[Service, ...]] = {}
        """SRV records."""
        self.listening: dict[tuple[str, int], Callable[[IPv4Address], IProtocol | None]] = {}
        """What makes the protocol behind an address and a port: ``Factory.buildProtocol``."""

    def services(self, name: str) -> Deferred[tuple[Service, ...]]:
        """Give the SRV records of *name*."""
        return succeed(self.records.get(name, ()))

    def addresses(self, name: str) -> Deferred[tuple[str, ...]]:
        """Give the addresses of *name*."""
        return succeed(self.names.get(name, ()))

    def dial(self, address: str, port: int, protocol: Callable[[], P], *, tls: object = None) -> Deferred[P]:
        """Connect, at once, to who listens there."""
        build = self.listening.get((address, port))
        there = build(IPv4Address("TCP", "127.0.0.1", port)) if build is not None else None
        if there is None:
            return fail(CannotConnect(f"{address}:{port}: nobody listens"))
        here = protocol()
        ours, theirs = Wire(self.clock, port), Wire(self.clock, port)
        ours.peer, theirs.peer = theirs, ours
        ours.protocol, theirs.protocol = here, there
        there.makeConnection(theirs)  # type: ignore[arg-type]  # a transport as far as it is used
        here.makeConnection(ours)  # type: ignore[arg-type]  # as above
        return succeed(here)
