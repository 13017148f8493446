"""How HTTP becomes WebSocket: RFC 6455 4.2, with the subprotocol ``xmpp`` (RFC 7395 3.1)."""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from websockets.datastructures import Headers
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from xmppd.config.http import Http
from xmppd.core.http import HttpError, HttpRequest, HttpResponse
from xmppd.net.http.origins import check_origin
from xmppd.net.http.request import Request
from xmppd.net.http.stream_parts import WebStreams
from xmppd.net.http.takeover import Takeover
from xmppd.net.http.websocket import WebSocketConnection

SWITCHING: Final = 101
_SUBPROTOCOL: Final = Subprotocol("xmpp")
_DEFLATE: Final = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=12,
    client_max_window_bits=12,
    compress_settings={"memLevel": 5},
)
"""Nothing is kept between messages, so that a silent session holds no window."""


class WebSocketEndpoint:
    """What answers at ``/xmpp-websocket``."""

    def __init__(self, streams: WebStreams, options: Callable[[], Http]) -> None:
        self._streams = streams
        self._options = options

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Accept a handshake, or refuse it as `websockets` words it."""
        asked = cast("Request", request)  # what comes here has been made by this room
        check_origin(asked, self._options())
        extensions, headers = self._accepted(asked)
        if asked.client != asked.peer and not self._streams.admits(asked.client):
            raise HttpError(429)
        elsewhere = _nowhere if asked.is_secure else self._streams.secure_uri
        connection = WebSocketConnection(self._streams, asked.client, asked.is_secure, extensions, elsewhere)
        return Takeover(SWITCHING, headers, connection)

    def _accepted(self, request: Request) -> tuple[Sequence[Extension], dict[str, str]]:
        offered = [_DEFLATE] if self._options().websocket_compression else None
        protocol = ServerProtocol(subprotocols=[_SUBPROTOCOL], extensions=offered)
        headers = Headers()
        for name, value in request.headers.items():
            headers[name] = value
        response = protocol.accept(Handshake(request.path, headers))
        given: dict[str, str] = dict(response.headers.raw_items())
        if response.status_code != SWITCHING:
            more = {name: value for name, value in given.items() if name == "Upgrade"}
            raise HttpError(response.status_code, _sentence(response.body), more)
        del given["Date"]
        _end_parser(protocol)
        return protocol.extensions, given


def _end_parser(protocol: Any) -> None:
    """What was made for the handshake alone leaves no cycle behind."""
    protocol.parser.close()


def _sentence(body: object) -> str:
    return bytes(body).decode().partition("\n")[0] if isinstance(body, bytes | bytearray) else ""


def _nowhere(domain: str) -> None:
    """Who is secure may stay."""
