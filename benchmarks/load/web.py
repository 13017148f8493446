"""Clients over WebSocket (RFC 7395) and over BOSH (XEP-0124, XEP-0206), plaintext.

A client over BOSH has two connections, as a browser does: what it says goes with the next one that is free, and one
request always waits for what the server has to say.
"""

import re
import secrets
from collections import deque
from typing import Final

from benchmarks.load.client import Client, Script
from benchmarks.load.connection import Connection
from benchmarks.load.loop import LoadError, Loop

WEBSOCKET_PATH, BOSH_PATH = "/xmpp-websocket", "/http-bind"
WAIT_S = 60
FIRST_RID = 1 << 30
SHORT_BELOW = 126
PING, PONG, SHORT_HEAD = 0x89, 0x8A, 2
HEAD_END: Final = b"\r\n\r\n"
STANZA: Final = re.compile(rb"^<(message|presence|iq)\b")
STANZA_OF_A_STREAM: Final = rb"<\1 xmlns='jabber:client'"
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
SID: Final = re.compile(rb"<body[^>]*\bsid=['\"]([^'\"]+)")
_TEXT_MASKED: Final = 0x80
_NO_MASK: Final = bytes(4)
"""The mask that changes nothing: masking is the client's work, and not what is measured."""
_HANDSHAKE: Final = (
    "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: xmpp\r\n\r\n"
)
_POST: Final = (
    "POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en\r\n"
    "Content-Type: text/xml; charset=utf-8\r\nConnection: keep-alive\r\nContent-Length: "
)


class WebSocketClient(Connection):
    """A client over WebSocket; what it reads is counted within the frames, which neither mask nor compress."""

    __slots__ = ("_port",)

    def __init__(self, loop: Loop, port: int) -> None:
        super().__init__(loop, port)
        self._port = port

    def packed(self, stanza: bytes) -> bytes:
        """Give *stanza* in a frame (RFC 6455 5.2)."""
        text = STANZA.sub(STANZA_OF_A_STREAM, stanza)
        size = len(text)
        if size < SHORT_BELOW:
            head = bytes([0x81, _TEXT_MASKED | size])
        else:
            head = bytes([0x81, _TEXT_MASKED | SHORT_BELOW]) + size.to_bytes(2, "big")
        return head + _NO_MASK + text

    def begin(self, domain: str) -> Script:
        """Shake hands (RFC 6455 4.1)."""
        self.write(_HANDSHAKE.format(path=WEBSOCKET_PATH, port=self._port).encode())
        answer = yield (HEAD_END,)
        if b" 101 " not in answer:
            raise LoadError(f"no WebSocket: {answer.decode(errors='replace')}")

    def open_stream(self, domain: str) -> None:
        """RFC 7395 3.4."""
        self.send(f"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{domain}' version='1.0'/>".encode())

    def heard(self, data: bytes) -> None:
        """Answer a ping, which comes alone to who is silent (RFC 6455 5.5.2)."""
        if data[0] == PING:
            self.write(bytes([PONG, _TEXT_MASKED | len(data) - SHORT_HEAD]) + _NO_MASK + data[SHORT_HEAD:])
        else:
            self.receive(data)

    def close(self, farewell: bytes = b"") -> None:
        """RFC 7395 3.6."""
        super().close(self.packed(b"<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>"))


class BOSHClient(Client):
    """A client over BOSH."""

    __slots__ = ("_free", "_port", "_rid", "_sid", "_waiting", "_ways")

    def __init__(self, loop: Loop, port: int) -> None:
        super().__init__()
        self._port = port
        self._rid = FIRST_RID + secrets.randbelow(FIRST_RID)
        self._sid = ""
        self._waiting = b""
        self._ways = [_Way(self, loop, port) for _ in range(2)]
        self._free: deque[_Way] = deque(self._ways)

    def packed(self, stanza: bytes) -> bytes:
        """Give *stanza* as it stands in a body."""
        return STANZA.sub(STANZA_OF_A_STREAM, stanza)

    def write(self, data: bytes) -> None:
        """Send it now, or with all that comes until a connection is free."""
        if self._free:
            self._post("", data)
        else:
            self._waiting += data

    def open_stream(self, domain: str) -> None:
        """XEP-0124 7.1, XEP-0206 5."""
        if self._sid:
            self._post(f" xmpp:restart='true' to='{domain}' xmlns:xmpp='urn:xmpp:xbosh'")
        else:
            self._post(
                f" to='{domain}' wait='{WAIT_S}' hold='1' ver='1.6' xml:lang='en' xmpp:version='1.0' "
                "xmlns:xmpp='urn:xmpp:xbosh'"
            )

    def close(self) -> None:
        """XEP-0124 8."""
        if self.is_closed:
            return
        self.is_closed = True
        if self._free and self._sid:
            self._post(" type='terminate'")
        for way in self._ways:
            way.close(b"")

    def answered(self, way: "_Way", body: bytes) -> None:
        """A request was: *way* is free again."""
        self._free.append(way)
        if not self._sid:
            found = SID.search(body)
            self._sid = found[1].decode() if found else ""
        if b"terminate" in body[:200]:
            raise LoadError(f"{self.jid}: the session has ended: {body[:300].decode(errors='replace')}")
        self.receive(body)
        if self.is_closed or not self._free:
            return
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            self._post("", waiting)
        elif len(self._free) == len(self._ways) and self._sid:
            self._post("")  # one that waits

    def _post(self, attrs: str, payload: bytes = b"") -> None:
        if not self._free:
            raise LoadError(f"{self.jid}: no connection is free")
        self._rid += 1
        sid = f" sid='{self._sid}'" if self._sid else ""
        body = f"<body rid='{self._rid}'{sid} xmlns='http://jabber.org/protocol/httpbind'{attrs}>".encode()
        body += payload + b"</body>"
        self._free.popleft().ask(body)


class _Way(Connection):
    """One connection of a client over BOSH; one request at a time."""

    __slots__ = ("_client", "_head", "_read")

    def __init__(self, client: BOSHClient, loop: Loop, port: int) -> None:
        super().__init__(loop, port)
        self._client = client
        self._head = _POST.format(path=BOSH_PATH, port=port).encode()
        self._read = b""
        self.receive = self._came

    def ask(self, body: bytes) -> None:
        """Send a request."""
        self.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))

    def _came(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(HEAD_END)
        if end < 0:
            return
        found = LENGTH.search(self._read, 0, end + 2)
        if found is None or not self._read.startswith(b"HTTP/1.1 200"):
            raise LoadError(f"no answer of BOSH: {self._read[:300].decode(errors='replace')}")
        start = end + len(HEAD_END)
        whole = start + int(found[1])
        if len(self._read) >= whole:
            body, self._read = self._read[start:whole], self._read[whole:]
            self._client.answered(self, body)
