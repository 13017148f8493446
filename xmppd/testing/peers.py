"""Servers in memory that talk to each other: on one network, with certificates that are made up."""

from collections.abc import Iterable
from typing import Any

from twisted.internet.task import Clock

from xmppd.core.module import Module
from xmppd.net.tls.dane import Pinned
from xmppd.net.tls.peers import Shown
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.network import MemoryNetwork, Wire
from xmppd.testing.server import MemoryServer

PORT = 5269
DIRECT_PORT = 5270
EXPIRES_AT = 2_000_000_000.0


class Certificate(tuple[str, ...]):
    """The names that one end shows; and what DNS says of the other end, where this one has begun the connection."""

    pinned: Pinned | None = None


class MemoryPeerTLS:
    """TLS without TLS: a certificate is a tuple of names; whoever issued it is believed unless told otherwise."""

    def __init__(self) -> None:
        self.certificates: dict[str, tuple[str, ...]] = {}
        """What is shown for a domain, where it is not just its name."""
        self.is_believing = True

    def creator_in(self, ours: str | None, theirs: str | None) -> object:
        """Give the names to be shown."""
        return self.certificates.get(ours or "", (ours,))

    def creator_out(self, ours: str, theirs: str, *, is_direct: bool, pinned: Pinned | None = None) -> object:
        """Give the names to be shown; the data of a pin is a name that the other end has to show."""
        shown = Certificate(self.certificates.get(ours, (ours,)))
        shown.pinned = pinned
        return shown

    def covers(self, transport: Any, domain: str) -> bool:
        """Whether the other end has shown the name, and is believed."""
        pinned = _pinned(transport)
        if pinned is not None:
            return self.is_as_pinned(transport, pinned)
        return self.is_believing and domain in _shown(transport)

    def is_as_pinned(self, transport: Any, pinned: Pinned) -> bool:
        """Whether the other end has shown a name that a record has for its data."""
        return any(pin.data.decode() in _shown(transport) for pin in pinned.pins)

    def shown(self, transport: Any) -> Shown | None:
        """Give what the other end has shown."""
        names, pinned = _shown(transport), _pinned(transport)
        is_pinned = pinned is not None and self.is_as_pinned(transport, pinned)
        is_trusted = is_pinned or self.is_believing
        return Shown(names, is_trusted, EXPIRES_AT, "TLSv1.3", is_pinned) if names else None


class PeerServer(MemoryServer):
    """A server that others on its network reach under the names of its domains."""

    def __init__(
        self,
        options: str,
        network: MemoryNetwork,
        storage: MemoryStorage | None = None,
        modules: Iterable[type[Module]] = (),
    ):
        """*options* is TOML. Ids are others than those of any server that was there before."""
        self.text = options
        """The configuration, for another start."""
        super().__init__(
            options, storage, 1_000_000 * (len(network.dialled) + len(network.names) + 1), modules, network
        )
        known = network.names.get(self.domain)
        self.address = f"192.0.2.{len(network.names) + 1}" if known is None else known[0]
        self.tls = MemoryPeerTLS()
        self.peers = self.server.peers(self.tls, own=[(self.address, PORT)])
        self.listen()
        self.peers.start()

    @property
    def domain(self) -> str:
        """The first domain."""
        return self.server.config.domains[0].name

    def listen(self) -> None:
        """Be found, and take connections."""
        network = self.network
        for domain in self.server.config.domains:
            network.names[domain.name] = (self.address,)
        network.listening[self.address, PORT] = self.peers.factory().buildProtocol
        network.listening[self.address, DIRECT_PORT] = self.peers.factory(is_direct_tls=True).buildProtocol

    def vanish(self) -> None:
        """Be gone, without a word to anybody; nothing is done here any more."""
        for port in (PORT, DIRECT_PORT):
            self.network.listening.pop((self.address, port), None)
        self.break_connections()
        self.peers.federation.stop()

    def break_connections(self) -> None:
        """Break all connections with other servers, both ways."""
        for protocol in list(self.peers.connections.all):
            protocol.transport.abortConnection()


def network() -> MemoryNetwork:
    """Give a network with a clock of its own."""
    return MemoryNetwork(Clock())


def _shown(transport: Any) -> tuple[str, ...]:
    assert isinstance(transport, Wire)
    return transport.peer.shown if transport.peer is not None else ()


def _pinned(transport: Any) -> Pinned | None:
    return getattr(transport.shown, "pinned", None)
