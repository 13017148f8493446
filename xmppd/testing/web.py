"""Requests to a server in memory: what a browser would send, and what it would get."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IConsumer, IProtocol, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.net.http.factory import HttpService
from xmppd.net.http.upgrade import WebSocketEndpoint
from xmppd.testing.server import MemoryServer


@dataclass(frozen=True, slots=True)
class WebResponse:
    """What came in answer to a request; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@implementer(IPushProducer, IConsumer)
class WebTransport:
    """The server's end of a connection in memory."""

    disconnecting = False

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self.written = bytearray()
        self.is_paused = self.is_closed = False
        self.producer: Any = None
        self.protocol: IProtocol | None = None

    def getPeer(self) -> IPv4Address:
        """Give the client's address."""
        return IPv4Address("TCP", self._peer, 40_000)

    def getHost(self) -> IPv4Address:
        """Give the server's address."""
        return IPv4Address("TCP", "127.0.0.1", 5280)

    @property
    def unsent_bytes(self) -> int:
        """All leaves at once."""
        return 0

    def write(self, data: bytes) -> None:
        """Send *data*."""
        if not self.disconnecting:
            self.written += data

    def writeSequence(self, pieces: list[bytes]) -> None:
        """Send the *pieces*."""
        self.write(b"".join(pieces))

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """There is always room."""
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Nobody fills it any more."""
        self.producer = None

    def pauseProducing(self) -> None:
        """Read no more."""
        self.is_paused = True

    def resumeProducing(self) -> None:
        """Read on."""
        self.is_paused = False

    def loseConnection(self) -> None:
        """End the connection; as with a socket that is heard in a later turn."""
        self.disconnecting = True

    abortConnection = stopProducing = loseConnection

    def end(self) -> None:
        """The connection is gone."""
        self.disconnecting = self.is_closed = True
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))


class MemoryWeb:
    """The web side of a `MemoryServer`."""

    def __init__(self, memory: MemoryServer) -> None:
        self._memory = memory
        server = memory.server
        self.service = HttpService(server.core, server.streams, server.addresses)
        self.service.offer_websocket(WebSocketEndpoint(self.service.streams, lambda: server.config.http))
        self._factories = {is_tls: self.service.factory(is_tls=is_tls) for is_tls in (False, True)}

    def connect(self, peer: str = "127.0.0.1", *, is_tls: bool = False) -> WebTransport:
        """Open a connection; what it answers gathers in ``written``."""
        transport = WebTransport(peer)
        protocol = self._factories[is_tls].buildProtocol(transport.getPeer())
        if protocol is None:
            transport.disconnecting = transport.is_closed = True
            return transport
        transport.protocol = protocol
        protocol.makeConnection(transport)
        return transport

    def send(self, transport: WebTransport, data: bytes) -> None:
        """Send *data*, and let happen what is due."""
        if transport.protocol is not None and not transport.disconnecting:
            transport.protocol.dataReceived(data)
        self._memory.settle()
        if transport.disconnecting and not transport.is_closed:
            transport.end()

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        peer: str = "127.0.0.1",
        is_tls: bool = False,
    ) -> WebResponse:
        """Ask on a connection of its own; AssertionError where no answer came."""
        sent = {"Host": "localhost", **(headers or {})}
        if body:
            sent.setdefault("Content-Length", str(len(body)))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        transport = self.connect(peer, is_tls=is_tls)
        self.send(transport, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        response, _ = read_response(bytes(transport.written))
        transport.end()
        return response


def read_response(data: bytes) -> tuple[WebResponse, bytes]:
    """Give the first response in *data*, with what is left behind it; AssertionError where it is not whole."""
    head, mark, rest = data.partition(b"\r\n\r\n")
    assert mark, f"no answer: {data!r}"
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    size = int(headers.get("content-length", 0))
    return WebResponse(int(first.split(" ")[1]), headers, rest[:size]), rest[size:]
