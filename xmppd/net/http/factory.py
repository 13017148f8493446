"""Makes the connections of HTTP, not too many for an address."""

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from xmppd.core.http import HttpHandler, Route
from xmppd.core.parts import CoreParts
from xmppd.core.web import CHAT_FOLDER
from xmppd.net.http.access_log import AccessLog
from xmppd.net.http.bosh import BOSHEndpoint
from xmppd.net.http.connection import HttpConnection
from xmppd.net.http.folders import ACME_PATH, AcmeChallenges, Folder
from xmppd.net.http.host_meta import PATH as HOST_META_PATH
from xmppd.net.http.host_meta import HostMeta
from xmppd.net.http.idle import IdleConnections
from xmppd.net.http.parts import HttpParts
from xmppd.net.http.site import Site
from xmppd.net.http.stream_parts import BOSH_PATH, WEBSOCKET_PATH, WebStreams
from xmppd.net.http.web_client import WASM, WebClient
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.c2s import TLS
from xmppd.net.streams.client_stream import ClientStream
from xmppd.net.streams.services import StreamServices


class HttpService:
    """All of HTTP: what is answered, and the factories for its ports."""

    def __init__(
        self,
        core: CoreParts,
        streams: StreamServices[ClientStream],
        addresses: AddressCounter,
        tls: TLS | None = None,
    ) -> None:
        """*addresses* counts connections of every kind; *tls* is for ports with TLS."""
        self.site = Site(core.hosts, core.current, core.web)
        environment = core.environment
        self.parts = HttpParts(
            self.site,
            core.timers,
            environment.now,
            environment.in_thread,
            AccessLog(lambda: core.current.config.http.access_log),
            IdleConnections(core.timers, lambda: core.current.config.http.idle_timeout_s),
        )
        self._has_websocket = False
        ping_s = lambda: core.current.config.http.websocket_ping_s  # noqa: E731
        self.streams = WebStreams(streams, addresses, core.web, ping_s, tls)
        self._offer_bosh(core)
        self._offer_pages(core)
        self._core = core
        self._addresses = addresses
        self._factories: list[HttpFactory] = []

    def _offer_bosh(self, core: CoreParts) -> None:
        endpoint = BOSHEndpoint(self.streams, core.timers, lambda: core.current.config.http)
        for method, handler in (
            ("POST", endpoint.post),
            ("GET", endpoint.get),
            ("OPTIONS", endpoint.options),
        ):
            self.site.routes.add(Route(method, BOSH_PATH), handler)

    def _offer_pages(self, core: CoreParts) -> None:
        current = core.current
        client = WebClient(
            current.config.data_dir / CHAT_FOLDER, core.hosts, core.web, lambda: self._has_websocket
        )
        challenges = AcmeChallenges(lambda: current.config.http.acme_folder)
        self.site.anywhere.add(Route("GET", ACME_PATH), challenges)
        meta = HostMeta(lambda: self._has_websocket)
        pages: tuple[tuple[str, HttpHandler, bool], ...] = (
            ("/", client.page, False),
            ("/chat/start.js", client.script, False),
            ("/chat/{file*}", Folder(client.folder), False),
            (f"/{WASM}", lambda request: Folder(client.folder).file(WASM, request), False),
            (HOST_META_PATH, meta.xml, True),
            (f"{HOST_META_PATH}.json", meta.json, True),
        )
        for path, handler, has_cors in pages:
            self.site.routes.add(Route("GET", path, has_cors), handler)

    def offer_websocket(self, handler: HttpHandler) -> None:
        """Have *handler* answer where WebSockets begin."""
        self.site.routes.add(Route("GET", WEBSOCKET_PATH), handler)
        self._has_websocket = True

    def factory(self, *, is_tls: bool = False) -> "HttpFactory":
        """Give the factory for ports with or without TLS."""
        factory = HttpFactory(self, is_tls)
        self._factories.append(factory)
        return factory

    def may_come(self, peer: str) -> bool:
        """Whether an address may have one more connection; for a proxy that is trusted there is no limit."""
        return self.site.is_proxy(peer) or self._addresses.admits(peer, self._core.current.limits)

    def opened(self, peer: str) -> None:
        """An address has one more connection."""
        self._addresses.add(peer)

    def closed(self, peer: str) -> None:
        """One less."""
        self._addresses.remove(peer)

    def release_memory(self) -> None:
        """Take no more memory than what is there needs."""
        self.streams.release_memory()

    def shutdown(self) -> Deferred[None]:
        """End every stream, close every connection; fires when the last one is gone."""
        ends = [self.streams.shutdown(), *(factory.shutdown() for factory in self._factories)]
        return DeferredList(ends).addCallback(lambda _: None)


class HttpFactory(Factory):
    """Makes the connections of one kind of ports."""

    noisy = False
    _log = Logger()

    def __init__(self, service: HttpService, is_tls: bool) -> None:
        self._service = service
        self._is_tls = is_tls
        self.connections: dict[HttpConnection, None] = {}
        self._ended: Deferred[None] | None = None

    def buildProtocol(self, addr: IAddress | None) -> HttpConnection | None:
        """Make the protocol of a new connection; None, which closes it, beyond the limit of its address."""
        peer = getattr(addr, "host", "")
        if not self._service.may_come(peer):
            self._log.info("Too many connections from {peer}", peer=peer)
            return None
        connection = HttpConnection(self._service.parts, self._is_tls, self)
        self.connections[connection] = None
        self._service.opened(peer)
        connection.peer = peer
        return connection

    def shutdown(self) -> Deferred[None]:
        """Close every connection; fires when the last one is gone."""
        ended: Deferred[None] = Deferred()
        self._ended = ended
        for connection in list(self.connections):
            connection.shut_down()
        self._tell_end()
        return ended

    def closed(self, connection: HttpConnection) -> None:
        """A connection is gone, or speaks HTTP no more."""
        if self.connections.pop(connection, self) is None:
            self._service.closed(connection.peer)
        self._tell_end()

    def _tell_end(self) -> None:
        ended = self._ended
        if ended is not None and not self.connections:
            self._ended = None
            ended.callback(None)
