"""A network in memory: names and connections between the servers of one test.

A server takes it for its environment (``MemoryServer(network=network)``): it resolves names, and dials. What is written
arrives one turn of the clock later, in order, and as much of it in a turn as is read of a socket; TLS is without TLS.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from xmppd.core.outgoing import CannotConnect, CannotResolve, Pin, Service
from xmppd.net.transport.sockets import READ_BYTES

P = TypeVar("P", bound=IProtocol)
T = TypeVar("T")


class Wire:
    """One end of a connection: a transport, as far as streams use one."""

    def __init__(self, clock: Clock, port: int, address: str = "127.0.0.1") -> None:
        """*address* is where its own end is."""
        self._clock = clock
        self._port = port
        self._is_open = True
        self.address = address
        self.shown: tuple[str, ...] = ()
        """The names in the certificate that this end has shown."""
        self.is_frozen = False
        """Whether nothing that is written leaves."""
        self._unsent: list[bytes] = []
        self._unread: deque[bytes] = deque()
        self._is_paused = False
        self._is_read_due = False
        self.peer: Wire | None = None
        self.protocol: Any = None

    def write(self, data: bytes) -> None:
        """Send *data*."""
        if self.is_frozen:
            self._unsent.append(data)
        elif self._is_open and self.peer is not None:
            self._clock.callLater(0, self.peer._arrived, data)

    def loseConnection(self) -> None:
        """Close once all has left: where it does not leave, whoever waits has to abort it."""
        if self._is_open and self.peer is not None and not self._unsent:
            self._is_open = False
            self._clock.callLater(0, self.peer._ended)
            self._clock.callLater(0, self._lost)

    def abortConnection(self) -> None:
        """Break it: what is under way is lost."""
        for end in (self, self.peer):
            if end is not None and end._is_open:
                end._is_open = False
                end._lost(ConnectionLost())

    @property
    def unsent_bytes(self) -> int:
        """How much waits because the connection is frozen."""
        return sum(map(len, self._unsent))

    def startTLS(self, creator: object) -> None:
        """Nothing changes on the wire; a certificate is shown, which is a tuple of names."""
        self.shown = creator if isinstance(creator, tuple) else ()
        self._clock.callLater(0, self._shaken_hands)

    def _shaken_hands(self) -> None:
        told = getattr(self.protocol, "handshakeCompleted", None)
        if told is not None:
            told()

    def getPeer(self) -> IPv4Address:
        """The other end."""
        return IPv4Address("TCP", self.peer.address if self.peer is not None else "127.0.0.1", self._port)

    def getHandle(self) -> object:
        """There is no socket."""
        return None

    def pauseProducing(self) -> None:
        """Keep what comes."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """Hand over what was kept, from the next turn on."""
        self._is_paused = False
        self._read_soon()

    def _arrived(self, data: bytes) -> None:
        self._unread.append(data)
        self._read()

    def _read(self) -> None:
        """Hand over what came first; what else there is has its turn later, behind what others do."""
        if self._is_paused or self.protocol is None or not self._unread:
            return
        data = self._unread.popleft()
        if len(data) > READ_BYTES:
            self._unread.appendleft(data[READ_BYTES:])
        self.protocol.dataReceived(data[:READ_BYTES])
        self._read_soon()

    def _read_soon(self) -> None:
        if self._unread and not self._is_paused and not self._is_read_due:
            self._is_read_due = True
            self._clock.callLater(0, self._read_on)

    def _read_on(self) -> None:
        self._is_read_due = False
        self._read()

    def _ended(self) -> None:
        if self._is_read_due:
            self._clock.callLater(0, self._ended)
            return
        self._is_open = False
        self._lost()

    def _lost(self, why: Exception | None = None) -> None:
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(why or ConnectionDone()))


class MemoryNetwork:
    """Who listens where, and what names stand for; itself the resolver."""

    def __init__(self, clock: Clock) -> None:
        """*clock* is that of all its servers."""
        self.clock = clock
        self.names: dict[str, tuple[str, ...]] = {}
        """The addresses of hosts."""
        self.records: dict[str, tuple[Service, ...]] = {}
        """SRV records."""
        self.pins_of: dict[tuple[str, int], tuple[Pin, ...]] = {}
        """TLSA records, by host and port; a host with none has none that DNSSEC vouches for."""
        self.forged: set[str] = set()
        """Hosts whose TLSA records are not what DNSSEC says."""
        self.listening: dict[tuple[str, int], Callable[[IPv4Address], IProtocol | None]] = {}
        """What makes the protocol behind an address and a port: ``Factory.buildProtocol``."""
        self.silent: set[str] = set()
        """Addresses where nothing ever answers."""
        self.is_nameless = False
        """Whether no name server answers."""
        self.slow: set[str] = set()
        """Domains and hosts whose name servers take their time over SRV and TLSA records."""
        self.questions: list[Deferred[None]] = []
        """Those to which the answer is on its way: it is given when one fires."""
        self.dialled: list[tuple[str, int]] = []
        """Where it was tried to connect."""
        self.wires: list[Wire] = []
        """All ends there ever were, in pairs: who has dialled, who was dialled."""

    def services(self, name: str) -> Deferred[tuple[Service, ...]]:
        """Give the SRV records of *name*."""
        if self.is_nameless:
            return fail(CannotResolve(f"{name}: no name server answers"))
        return self._in_time(name.split("._tcp.", 1)[-1], self.records.get(name, ()))

    def addresses(self, name: str) -> Deferred[tuple[str, ...]]:
        """Give the addresses of *name*."""
        if self.is_nameless:
            return fail(CannotResolve(f"{name}: no name server answers"))
        return succeed(self.names.get(name, ()))

    def pins(self, host: str, port: int) -> Deferred[tuple[Pin, ...]]:
        """Give the TLSA records of a service."""
        if host in self.forged:
            return fail(CannotResolve(f"{host}: the name server cannot say"))
        return self._in_time(host, self.pins_of.get((host, port), ()))

    def _in_time(self, name: str, answer: T) -> Deferred[T]:
        if name not in self.slow:
            return succeed(answer)
        question: Deferred[None] = Deferred()
        self.questions.append(question)
        return question.addCallback(lambda _: answer)

    def dial(self, address: str, port: int, protocol: Callable[[], P], *, tls: object = None) -> Deferred[P]:
        """Connect, at once, to who listens there."""
        self.dialled.append((address, port))
        if address in self.silent:
            return Deferred(lambda _: None)
        build = self.listening.get((address, port))
        there = build(IPv4Address("TCP", "127.0.0.1", port)) if build is not None else None
        if there is None:
            return fail(CannotConnect(f"{address}:{port}: nobody listens"))
        here = protocol()
        ours, theirs = Wire(self.clock, port), Wire(self.clock, port, address)
        self.wires += (ours, theirs)
        ours.peer, theirs.peer = theirs, ours
        ours.protocol, theirs.protocol = here, there
        if tls is not None:
            ours.startTLS(tls)
        there.makeConnection(theirs)  # type: ignore[arg-type]  # a transport as far as it is used
        here.makeConnection(ours)  # type: ignore[arg-type]  # as above
        return succeed(here)
