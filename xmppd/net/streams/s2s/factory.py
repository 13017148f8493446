"""Servers that come in, and all connections with servers, whoever has begun them."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from xmppd.core.session import Connection
from xmppd.core.shrink import shrink
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.keepalive import Keepalive
from xmppd.net.streams.s2s.incoming import IncomingStream
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.net.streams.s2s.stream import ServerStream
from xmppd.net.streams.s2s.wire import S2SProtocol
from xmppd.services.federation.outbound import Connected
from xmppd.stanza.errors import StreamError
from xmppd.stream.features import StreamState
from xmppd.stream.parser_pool import ParserPool

SWEEP_S: Final = 5.0
"""How often streams are looked through for those that the configuration does not allow any more."""


class PeerConnections:
    """All connections with other servers."""

    def __init__(self, parts: S2SParts):
        self.parts = parts
        self.parsers = ParserPool()
        self.all: dict[S2SProtocol, None] = {}
        self.handshakes: Counter[str] = Counter()
        """Of TLS, by version, since the start."""
        self._waiting_for_end: dict[S2SProtocol, Deferred[None]] = {}
        self._keepalive = Keepalive(parts.timers, self.all, lambda: parts.limits().keepalive_s)
        self._sweeper = parts.timers.add(SWEEP_S, self._sweep)

    @property
    def streams(self) -> list[ServerStream]:
        """The streams that there are."""
        return [each.stream for each in self.all if isinstance(each.stream, ServerStream)]

    def connected(self) -> Iterator[Connected]:
        """Give each authenticated stream, once for each pair of domains that it serves."""
        for stream in self.streams:
            if stream.is_ended or not stream.state & StreamState.AUTHENTICATED:
                continue
            proven = {stream.theirs: {stream.ours}} if stream.is_initiated else stream.proven
            direction = "bidi" if stream.is_bidi else "outgoing" if stream.is_initiated else "incoming"
            for theirs, all_ours in proven.items():
                for ours in all_ours:
                    yield Connected(ours, theirs, direction)

    def slowed(self) -> None:
        """A peer has sent more than it may at a time."""
        self.parts.federation.counters.slowed += 1

    def opened(self, protocol: S2SProtocol) -> None:
        """A connection is there."""
        self.all[protocol] = None

    def lost(self, protocol: S2SProtocol) -> None:
        """A connection is gone."""
        self.all.pop(protocol, None)
        ended = self._waiting_for_end.pop(protocol, None)
        if ended is not None:
            ended.callback(None)

    def _sweep(self, now: float, timer: object, param: None) -> float:
        """End the streams of domains that a reload has forbidden."""
        settings = self.parts.settings()
        for stream in self.streams:
            if not all(map(settings.may_talk_to, (*stream.proven, *filter(None, (stream.theirs,))))):
                stream.close(StreamError("policy-violation", "This server does not talk to yours"))
        return SWEEP_S

    def release_memory(self) -> None:
        """Take no more memory than the connections that are there need."""
        shrink(self.all)

    def shutdown(self) -> Deferred[None]:
        """End every stream with system-shutdown; fires when the last connection is gone."""
        self._keepalive.stop()
        self.parts.timers.stop(self._sweeper)
        for protocol in list(self.all):
            self._waiting_for_end[protocol] = Deferred()
            stream = protocol.stream
            assert isinstance(stream, ServerStream)
            stream.close(StreamError("system-shutdown"))
        return DeferredList(list(self._waiting_for_end.values())).addCallback(lambda _: None)


class S2SFactory(Factory):
    """Makes the connections of servers that come in: not too many in all, nor from one address."""

    noisy = False
    _log = Logger()

    def __init__(
        self,
        parts: S2SParts,
        connections: PeerConnections,
        addresses: AddressCounter,
        *,
        is_direct_tls: bool = False,
    ):
        self._parts = parts
        self._connections = connections
        self._addresses = addresses
        self._is_direct_tls = is_direct_tls
        self._count = 0

    def buildProtocol(self, addr: IAddress | None) -> S2SProtocol | None:
        """Make the protocol of a new connection; None, which closes it, beyond a limit."""
        address = getattr(addr, "host", "")
        parts = self._parts
        is_full = len(self._connections.all) >= parts.settings().connections
        if is_full or not self._addresses.admits(address, parts.limits()):
            self._log.info("Too many connections, of servers or from {peer}", peer=address)
            return None
        parts.federation.counters.accepted += 1
        protocol = S2SProtocol(
            _Counting(self._connections, self._addresses), self._stream, self._is_direct_tls
        )
        protocol.factory = self
        return protocol

    def _stream(self, link: S2SProtocol, conn: Connection) -> IncomingStream:
        return IncomingStream(link, self._parts, conn, link.peer)


class _Counting:
    """Counts connections by address too."""

    def __init__(self, connections: PeerConnections, addresses: AddressCounter):
        self.parsers = connections.parsers
        self.handshakes = connections.handshakes
        self.slowed = connections.slowed
        self._connections = connections
        self._addresses = addresses

    def opened(self, protocol: S2SProtocol) -> None:
        """A connection is there."""
        self._addresses.add(protocol.peer)
        self._connections.opened(protocol)

    def lost(self, protocol: S2SProtocol) -> None:
        """A connection is gone."""
        self._addresses.remove(protocol.peer)
        self._connections.lost(protocol)
