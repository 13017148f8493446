"""The TCP connection of a stream between servers."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from xmppd.core.session import Connection
from xmppd.core.stream import Sendable
from xmppd.net.streams.connection import StreamConnection, Transport
from xmppd.net.streams.inlet import PeerInlet
from xmppd.net.streams.link import Link
from xmppd.net.tls.dane import Pinned
from xmppd.net.tls.peers import tls_version
from xmppd.net.transport.twisted_transport import connection_of
from xmppd.stanza import ns
from xmppd.stream.framer import Framer
from xmppd.stream.parser_pool import ParserPool


class PeerLink(Link, Protocol):
    """What a stream of a server asks of its connection."""

    transport: Transport
    is_secure: bool
    was_clean: bool
    """Whether the connection ended after all that was written had left."""
    pinned: Pinned | None
    """What DNS says of the certificate at the other end (RFC 7673)."""

    def begin_tls(self, creator: object) -> None:
        """Begin TLS; a new header is expected."""

    def forget_language(self) -> None:
        """The language of the header is not that of stanzas that name none."""


class Connections(Protocol):
    """Who knows all connections with other servers."""

    parsers: ParserPool
    handshakes: Counter[str]
    """Of TLS, by version."""

    def slowed(self) -> None:
        """A peer has sent more than it may at a time."""

    def opened(self, protocol: "S2SProtocol") -> None:
        """A connection is there."""

    def lost(self, protocol: "S2SProtocol") -> None:
        """A connection is gone."""


class ServerInlet(PeerInlet):
    """What a connection asks of the stream that it carries."""

    __slots__ = ()

    def begin(self) -> None:
        """The connection is there; who has begun the stream says so now."""

    def send(self, x: Sendable) -> bool:
        """Write *x* to the peer; say whether it still takes anything."""
        raise NotImplementedError


MakeStream = Callable[["S2SProtocol", Connection], ServerInlet]


class S2SProtocol(StreamConnection):
    """One connection with another server; its stream is made by whoever has begun it."""

    can_start_tls = False
    peer_stream: ServerInlet

    def __init__(
        self,
        connections: Connections,
        make_stream: MakeStream,
        is_direct_tls: bool,
        pinned: Pinned | None = None,
    ):
        super().__init__(is_direct_tls)
        self.pinned = pinned
        self._connections = connections
        self._make_stream = make_stream
        self.was_clean = False

    def connectionMade(self) -> None:
        """Let the stream begin."""
        self.peer = getattr(self.transport.getPeer(), "host", "")
        self.stream = self.peer_stream = self._make_stream(self, connection_of(self.transport))
        self.framer = Framer(self.stream.element_limits, self._connections.parsers, ns.SERVER)
        self.framer.tells_begun = True
        self._connections.opened(self)
        self.peer_stream.begin()

    def slowed(self) -> None:
        """Count it."""
        self._connections.slowed()

    def handshakeCompleted(self) -> None:
        """TLS has begun."""
        self._connections.handshakes[tls_version(self.transport)] += 1
        super().handshakeCompleted()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is gone, for whatever reason."""
        self.was_clean = reason is not None and reason.check(ConnectionDone) is not None
        super().connectionLost(reason)
        self._connections.lost(self)

    def keep_alive(self) -> None:
        """Send a space, so that a dead connection shows (RFC 6120 4.6.1)."""
        self.peer_stream.send(b" ")

    def forget_language(self) -> None:
        """The language of the header is not that of stanzas that name none."""
        self.framer.lang = None

    def start_tls(self, host: str) -> None:
        """Not so: see `begin_tls`."""
        raise NotImplementedError
