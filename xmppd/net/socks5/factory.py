"""Makes the connections of the proxy for file transfers, not too many for an address."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from xmppd.core.parts import CoreParts
from xmppd.net.socks5.connection import SocksConnection, peer_of
from xmppd.net.streams.addresses import AddressCounter
from xmppd.services.bytestreams.bytestreams import Bytestreams


class SocksFactory(Factory):
    """All who come to the proxy."""

    noisy = False
    _log = Logger()

    def __init__(self, core: CoreParts, addresses: AddressCounter, port: int) -> None:
        """*addresses* counts connections of every kind; *port* is what clients are told."""
        self._core = core
        self._addresses = addresses
        self._streams = core.services[Bytestreams]
        self._streams.port = port
        self._connections: dict[SocksConnection, None] = {}
        self._ended: Deferred[None] | None = None

    def buildProtocol(self, addr: IAddress | None) -> SocksConnection | None:
        """Make the protocol of a new connection; None, which closes it, beyond the limit of its address."""
        peer = peer_of(addr)
        if self._ended is not None or not self._addresses.admits(peer, self._core.current.limits):
            self._log.info("Too many connections from {peer}", peer=peer)
            return None
        connection = SocksConnection(self._streams, self._core.timers, self._closed, peer)
        self._connections[connection] = None
        self._addresses.add(peer)
        return connection

    def shutdown(self) -> Deferred[None]:
        """End every connection; fires when the last one is gone."""
        ended: Deferred[None] = Deferred()
        self._ended = ended
        for connection in list(self._connections):
            connection.close()
        self._tell_end()
        return ended

    def _closed(self, connection: SocksConnection) -> None:
        if connection in self._connections:
            del self._connections[connection]
            self._addresses.remove(connection.peer)
        self._tell_end()

    def _tell_end(self) -> None:
        ended = self._ended
        if ended is not None and not ended.called and not self._connections:
            ended.callback(None)
