"""A whole server in memory: its own clock, memory storage, no threads, no sockets, no real TLS."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, execute, fail
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from xmppd.config.options import HostSettings
from xmppd.config.read import parse
from xmppd.core.elsewhere import AskWeb, Backend, nobody
from xmppd.core.environment import Environment
from xmppd.core.module import Module
from xmppd.net.streams.connection import StreamConnection
from xmppd.server import Server, build, load_modules
from xmppd.stanza.jid import JID
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.client import PASSWORD, Client, NothingCame
from xmppd.testing.component import SECRET, ComponentClient
from xmppd.testing.network import MemoryNetwork

START = 1_780_000_000.0


class MemoryTransport:
    """The server's end of a connection in memory; what it writes reaches the client at once."""

    unsent_bytes = 0

    def __init__(self, client: Client):
        self.client = client
        self.protocol: StreamConnection | None = None
        self.is_secure = False
        self.is_paused = False
        self._held: list[bytes] = []

    def getPeer(self) -> IPv4Address:
        """Give the client's address."""
        return IPv4Address("TCP", "127.0.0.1", 40_000)

    def getHost(self) -> IPv4Address:
        """Give the server's address."""
        return IPv4Address("TCP", "127.0.0.1", 5222)

    def write(self, data: bytes) -> None:
        """Hand *data* to the client."""
        if self.protocol is not None:
            self.client.received(data)

    def getHandle(self) -> object:
        """There is no TLS, and no socket."""
        return None

    def startTLS(self, creator: object) -> None:
        """Pretend that TLS has begun."""
        self.is_secure = True
        if self.protocol is not None:
            self.protocol.handshakeCompleted()

    def loseConnection(self) -> None:
        """End the connection from the server's side."""
        self._end()

    abortConnection = loseConnection

    def pauseProducing(self) -> None:
        """Keep what comes."""
        self.is_paused = True

    def resumeProducing(self) -> None:
        """Hand over what was kept."""
        self.is_paused = False
        held, self._held = self._held, []
        for data in held:
            self.deliver(data)

    def deliver(self, data: bytes) -> None:
        """Hand what the client sent to the server."""
        if self.is_paused:
            self._held.append(data)
        elif self.protocol is not None:
            self.protocol.dataReceived(data)

    def _end(self) -> None:
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))
            self.client.lost()


class MemoryCarrier:
    """The client's end of a connection in memory; *settle* lets happen what is due."""

    def __init__(self, transport: MemoryTransport, settle: Callable[[], None]):
        self._transport = transport
        self._settle = settle

    def write(self, data: bytes) -> None:
        """Send *data*."""
        self._transport.deliver(data)

    def start_tls(self) -> None:
        """Nothing is to be done: see `MemoryTransport.startTLS`."""

    def lose(self) -> None:
        """Break the connection."""
        self._transport._end()

    def wait(self, deferred: Deferred[None]) -> Deferred[None]:
        """Let happen what is due; nothing comes after that in memory, so fail at once where that was not it."""
        self._settle()
        return deferred if deferred.called else fail(NothingCame("nothing came"))


class FakeTLS:
    """TLS without TLS."""

    def creator_for(self, host: str) -> Any:
        """Give anything."""
        return host

    def channel_bindings(self, transport: object) -> Mapping[str, bytes]:
        """There is nothing to bind to."""
        return {}

    def client_jids(self, transport: object, host: str) -> Sequence[str]:
        """Nobody shows a certificate."""
        return ()


class MemoryServer:
    """A server to talk to in a test; time passes by `pass_time` alone."""

    def __init__(
        self,
        options: str = "",
        storage: MemoryStorage | None = None,
        first_id: int = 1,
        modules: Iterable[type[Module]] = (),
        network: MemoryNetwork | None = None,
        backends: Callable[[HostSettings], Backend | None] = lambda host: None,
        ask_web: AskWeb = nobody,
    ):
        """*options* is TOML; without a host of its own the server serves localhost. It knows *modules* too.

        Servers with one *network* share its clock, and reach each other by it.

        With the *storage* of another it is that one after a new start; ids are to be others then.
        """
        text = options if "[hosts" in options else options + '\n[hosts."localhost"]\n'
        config, findings = parse(text, "test.toml")
        assert config is not None, findings
        self.network = MemoryNetwork(Clock()) if network is None else network
        self.clock = self.network.clock
        self.storage = MemoryStorage() if storage is None else storage
        numbers = itertools.count(first_id)
        environment = Environment(
            clock=self.clock,
            now=lambda: START + self.clock.seconds(),
            in_thread=execute,
            random_text=lambda size: f"random-{next(numbers):08d}",
            secret=b"a secret of the tests",
            resolve=self.network,
            dial=self.network.dial,
            backends=backends,
            ask_web=ask_web,
            iterations=1,
        )
        self.server: Server = build(config, self.storage, environment)
        self.server.loader.known.update((module.name, module) for module in modules)
        load_modules(self.server)
        self.factory = self.server.c2s_factory(FakeTLS())
        self.component_factory = self.server.component_factory()
        _now(self.server.accounts.load())

    def settle(self) -> None:
        """Let happen what is due now: deliveries of a later turn, and what they lead to."""
        self.pass_time(0)

    def pass_time(self, seconds: float) -> None:
        """Move the clock, with a stop at each moment at which something is due."""
        end = self.clock.seconds() + seconds
        while (moment := _first_due(self.clock)) <= end:
            self.clock.advance(max(0.0, moment - self.clock.seconds()))
        self.clock.advance(end - self.clock.seconds())

    def add_account(self, address: str, password: str = PASSWORD) -> None:
        """Make an account unless it is there."""
        jid = JID.parse(JID.parse(address).bare)
        if not self.server.accounts.exists(jid.bare):
            _now(self.server.accounts.create(jid, password, over_tombstone=True))

    def connect(self, client: Client) -> None:
        """Open a connection for *client*."""
        transport = MemoryTransport(client)
        factory = self.component_factory if isinstance(client, ComponentClient) else self.factory
        protocol = factory.buildProtocol(transport.getPeer())
        assert protocol is not None
        transport.protocol = protocol
        client.connected(MemoryCarrier(transport, self.settle))
        protocol.makeConnection(transport)  # type: ignore[no-untyped-call]  # Twisted's own

    def client(self, address: str, name: str = "") -> Client:
        """Give a connected client with an account; it has not logged in."""
        self.add_account(address)
        client = Client(name or address, address)
        self.connect(client)
        return client

    def component(self, domain: str, secret: str = SECRET) -> ComponentClient:
        """Give a component that is connected; its inbox is empty."""
        component = ComponentClient(domain, domain, secret)
        self.connect(component)
        _now(Deferred.fromCoroutine(component.log_in()))
        return component

    def logged_in(self, address: str) -> Client:
        """Give a client that has bound its resource; its inbox is empty."""
        client = self.client(address)
        _now(Deferred.fromCoroutine(client.log_in()))
        return client


def _first_due(clock: Clock) -> float:
    """Give the moment of the call that is due first."""
    return min((call.getTime() for call in clock.getDelayedCalls()), default=inf)


def _now(deferred: Deferred[Any]) -> Any:
    """Give the result of a Deferred that has fired already."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "it has not fired"
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


now = _now
Connect = Callable[[Client], None]
