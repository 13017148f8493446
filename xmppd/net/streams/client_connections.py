"""The connections of clients that one kind of carrier has: kept alive while they live, and ended together."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, DeferredList

from xmppd.core.session import Session
from xmppd.core.shrink import shrink
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.client_stream import ClientStream
from xmppd.net.streams.keepalive import Keepalive, Kept
from xmppd.net.streams.services import StreamServices


class ClientConnection(Kept, Protocol):
    """A connection with a client's session."""

    peer: str
    """The address that it counts for."""

    @property
    def session(self) -> Session:
        """The session of the stream."""


C = TypeVar("C", bound=ClientConnection)


class ClientConnections(Generic[C]):
    """Those that there are."""

    def __init__(
        self,
        server: StreamServices[ClientStream],
        addresses: AddressCounter,
        keepalive_s: Callable[[], float],
    ) -> None:
        """*addresses* is shared with whatever else accepts clients."""
        self.all: dict[C, None] = {}
        self._server = server
        self._addresses = addresses
        self._ended: dict[C, Deferred[None]] = {}
        self._keepalive = Keepalive(server.timers, self.all, keepalive_s)

    def opened(self, connection: C) -> None:
        """A connection is there."""
        self.all[connection] = None
        self._addresses.add(connection.peer)

    def lost(self, connection: C) -> None:
        """A connection is gone."""
        self.all.pop(connection, None)
        self._addresses.remove(connection.peer)
        ended = self._ended.pop(connection, None)
        if ended is not None:
            ended.callback(None)

    def release_memory(self) -> None:
        """Take no more memory than the connections that are there need."""
        shrink(self.all)

    def shutdown(self) -> Deferred[None]:
        """End every stream with system-shutdown; fires when the last connection is gone."""
        self._keepalive.stop()
        self._server.registry.is_closing = True
        for connection in list(self.all):
            self._ended[connection] = Deferred()
            connection.session.close("system-shutdown")
        return DeferredList(list(self._ended.values())).addCallback(lambda _: None)
