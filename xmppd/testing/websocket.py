"""A client's end of a WebSocket in memory: it says and gets texts, as a browser's script does (RFC 7395)."""

from collections.abc import Mapping

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from xmppd.testing.web import MemoryWeb

OPEN = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{}' version='1.0'/>"


class WebSocketClient:
    """One WebSocket."""

    def __init__(
        self,
        web: MemoryWeb,
        headers: Mapping[str, str] | None = None,
        *,
        peer: str = "127.0.0.1",
        is_tls: bool = False,
        subprotocols: tuple[str, ...] = ("xmpp",),
    ) -> None:
        """Shake hands; `status` says how that went."""
        self._web = web
        offered = [Subprotocol(name) for name in subprotocols]
        self.frames = ClientProtocol(parse_uri("ws://localhost/xmpp-websocket"), subprotocols=offered)
        request = self.frames.connect()
        for name, value in (headers or {}).items():
            if name in request.headers:
                del request.headers[name]
            request.headers[name] = value
        self.transport = web.connect(peer, is_tls=is_tls)
        self.texts: list[str] = []
        self.pongs = 0
        self.status = 0
        self.frames.send_request(request)
        self._exchange()

    def send(self, text: str) -> list[str]:
        """Say *text* in a message; gives what came since the last time."""
        self.frames.send_text(text.encode())
        return self._exchange()

    def send_raw(self, data: bytes) -> list[str]:
        """Send bytes as they are."""
        self._web.send(self.transport, data)
        return self._read()

    def open(self, domain: str = "localhost") -> list[str]:
        """Begin a stream."""
        return self.send(OPEN.format(domain))

    @property
    def close_code(self) -> int | None:
        """The code that the server has closed with; None while it has not."""
        return None if self.frames.close_rcvd is None else int(self.frames.close_rcvd.code)

    @property
    def is_gone(self) -> bool:
        """Whether the server has ended the connection."""
        return self.transport.disconnecting

    def _exchange(self) -> list[str]:
        for data in self.frames.data_to_send():
            if data:
                self._web.send(self.transport, data)
        return self._read()

    def read(self) -> list[str]:
        """Give what came meanwhile, and answer what frames want an answer."""
        self._web.send(self.transport, b"")
        return self._read()

    def _read(self) -> list[str]:
        data = bytes(self.transport.written)
        self.transport.written.clear()
        if data:
            if not self.status:
                self.status = int(data.split(b" ", 2)[1])
            self.frames.receive_data(data)
        events = self.frames.events_received()
        frames = [event for event in events if isinstance(event, Frame)]
        self.pongs += sum(frame.opcode is Opcode.PONG for frame in frames)
        came = [bytes(frame.data).decode() for frame in frames if frame.opcode is Opcode.TEXT]
        self.texts += came
        if self.frames.state is not State.CONNECTING:
            for answer in self.frames.data_to_send():
                if answer and not self.transport.is_closed:
                    self._web.send(self.transport, answer)
        return came
