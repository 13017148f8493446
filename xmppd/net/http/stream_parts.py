"""What the streams of clients over HTTP work with."""

from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred, DeferredList

from xmppd.core.web import WebAddresses
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.c2s import TLS
from xmppd.net.streams.client_connections import ClientConnection, ClientConnections
from xmppd.net.streams.client_stream import ClientStream
from xmppd.net.streams.services import StreamServices
from xmppd.net.tls.peers import HasHandle
from xmppd.stream.parser_pool import ParserPool

WEBSOCKET_PATH, BOSH_PATH = "/xmpp-websocket", "/http-bind"


class WebStreams:
    """The parts of the server, and the connections that there are."""

    def __init__(
        self,
        server: StreamServices[ClientStream],
        addresses: AddressCounter,
        web: WebAddresses,
        ping_s: Callable[[], float],
        tls: TLS | None = None,
    ) -> None:
        """*ping_s* is after which silence a client is pinged; *tls* what stands before HTTP where it does."""
        self.server = server
        self.addresses = addresses
        self.parsers = ParserPool()
        self.websockets = ClientConnections[ClientConnection](server, addresses, ping_s)
        self.bosh = ClientConnections[ClientConnection](server, addresses, ping_s)
        self._web = web
        self._tls = tls

    def shutdown(self) -> Deferred[None]:
        """End every stream; fires when the last connection is gone."""
        return DeferredList([self.websockets.shutdown(), self.bosh.shutdown()]).addCallback(lambda _: None)

    def release_memory(self) -> None:
        """Take no more memory than what is there needs."""
        self.websockets.release_memory()
        self.bosh.release_memory()

    def admits(self, address: str) -> bool:
        """Whether an address may open another connection, or session, now; counts it."""
        return self.addresses.admits(address, self.server.limits())

    def channel_bindings(self, transport: HasHandle) -> Mapping[str, bytes]:
        """Give channel-binding data by type; none without TLS of our own."""
        return {} if self._tls is None else self._tls.channel_bindings(transport)

    def secure_uri(self, domain: str) -> str | None:
        """Give where a client of *domain* has to come that came without TLS; None where it may stay, or cannot go."""
        host = self.server.hosts.with_accounts(domain)
        if host is None or not host.settings.c2s.require_tls:
            return None
        url = self._web.url(host.name) or ""
        return f"wss{url.removeprefix('https')}{WEBSOCKET_PATH}" if url.startswith("https:") else None
