"""Clients over TCP: RFC 6120, with STARTTLS and direct TLS (XEP-0368)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.client_connections import ClientConnections
from xmppd.net.streams.client_stream import ClientStream
from xmppd.net.streams.connection import StreamConnection
from xmppd.net.streams.services import StreamServices
from xmppd.net.tls.peers import HasHandle, tls_version
from xmppd.net.transport.twisted_transport import connection_of
from xmppd.stream.framer import Framer
from xmppd.stream.framing import TCPFraming
from xmppd.stream.parser_pool import ParserPool


class TLS(Protocol):
    """What a client connection asks of TLS."""

    def creator_for(self, host: str) -> object:
        """Give what `ITLSTransport.startTLS` takes, with the certificate of *host*."""

    def channel_bindings(self, transport: HasHandle) -> Mapping[str, bytes]:
        """Give channel-binding data by type; empty without TLS."""

    def client_jids(self, transport: HasHandle, host: str) -> Sequence[str]:
        """Give the bare JIDs of a verified client certificate."""


class C2SProtocol(StreamConnection):
    """One client connection: bytes in, one stream, one session; the `Link` of its `ClientStream`."""

    factory: "C2SFactory"
    stream: ClientStream

    @property
    def session(self) -> Session:
        """The session of the stream; a resumption puts another in its place."""
        return self.stream.session

    def connectionMade(self) -> None:
        """Begin a session; its clock runs."""
        factory = self.factory
        self.peer = getattr(self.transport.getPeer(), "host", "")
        server = factory.server
        conn = connection_of(self.transport)
        session = Session(conn, factory.framing, server.registry, peer=self.peer, now=server.now())
        session.is_secure = self.is_secure
        self.stream = ClientStream(session, self, server)
        self.framer = Framer(self.stream.element_limits, factory.parsers)
        self.framer.tells_begun = True
        factory.opened(self)

    def slowed(self) -> None:
        """Count it."""
        self.factory.slowed += 1

    def handshakeCompleted(self) -> None:
        """TLS has begun."""
        self.factory.handshakes[tls_version(self.transport)] += 1
        super().handshakeCompleted()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is gone, for whatever reason."""
        super().connectionLost(reason)
        self.factory.lost(self)

    def keep_alive(self) -> None:
        """Send a space where a stream is open (RFC 6120 4.6.1)."""
        if self.session.is_connected:
            self.session.send(b" ")

    # -- the Link of the stream ---------------------------------------------------------------------------------------

    @property
    def can_start_tls(self) -> bool:
        """Whether STARTTLS is possible and has not happened."""
        return not self.is_secure and self.factory.tls is not None

    def start_tls(self, host: str) -> None:
        """Begin TLS; what came in plaintext behind ``<starttls/>`` is never executed (RFC 6120 5.4.3.3)."""
        assert self.factory.tls is not None
        self.begin_tls(self.factory.tls.creator_for(host))

    def channel_bindings(self) -> Mapping[str, bytes]:
        """Give channel-binding data by type."""
        return self.factory.tls.channel_bindings(self.transport) if self.factory.tls is not None else {}

    def client_jids(self, host: str) -> Sequence[str]:
        """Give the bare JIDs that a verified client certificate names."""
        return self.factory.tls.client_jids(self.transport, host) if self.factory.tls is not None else ()


class C2SFactory(Factory):
    """Makes client connections, not too many for an address."""

    noisy = False
    _log = Logger()

    def __init__(
        self,
        server: StreamServices[ClientStream],
        tls: TLS | None,
        addresses: AddressCounter,
        *,
        is_direct_tls: bool = False,
    ):
        """*server.registry* and *addresses* are shared with whatever else accepts clients."""
        self.server = server
        self.tls = tls
        self.is_direct_tls = is_direct_tls
        self.framing = TCPFraming()
        self.parsers = ParserPool()
        self._clients = ClientConnections[C2SProtocol](server, addresses, lambda: server.limits().keepalive_s)
        self.connections = self._clients.all
        self.addresses = addresses
        self.handshakes: Counter[str] = Counter()
        """Of TLS, by version, since the start."""
        self.slowed = 0
        """Times that a client sent more at a time than it may, and was read more slowly, since the start."""

    @property
    def registry(self) -> SessionRegistry:
        """The session registry."""
        return self.server.registry

    def buildProtocol(  # type: ignore[override]  # our protocol, no other
        self, addr: IAddress | None
    ) -> C2SProtocol | None:
        """Make the protocol of a new connection; None, which closes it, beyond the limit of its address."""
        address = getattr(addr, "host", "")
        if not self.addresses.admits(address, self.server.limits()):
            self._log.info("Too many connections from {peer}", peer=address)
            return None
        protocol = C2SProtocol(self.is_direct_tls)
        protocol.factory = self
        return protocol

    def opened(self, protocol: C2SProtocol) -> None:
        """A connection is there."""
        self._clients.opened(protocol)

    def lost(self, protocol: C2SProtocol) -> None:
        """A connection is gone."""
        self._clients.lost(protocol)

    def release_memory(self) -> None:
        """Take no more memory than the connections that are there need."""
        self._clients.release_memory()

    def shutdown(self) -> Deferred[None]:
        """End every stream with system-shutdown; fires when the last connection is gone."""
        return self._clients.shutdown()
