"""The client of whatever goes over sockets: just enough XMPP to get in, and every way of behaving badly."""

import asyncio
import contextlib
import secrets
import socket
import ssl
import struct
from base64 import b64encode
from collections import deque
from typing import Any, Self
from xml.etree.ElementTree import Element, XMLPullParser

from benchmarks.load.client import header
from benchmarks.load.login import FEATURES, HOST, PASSWORD, SASL, STARTTLS
from benchmarks.load.scram import ScramClient
from benchmarks.load.tls import client_context
from benchmarks.soak.counted import NS, Counted

PATIENCE_S = 20.0
READ_BYTES = 65_536
LAST_SEEN = 200
RESET = struct.pack("ii", 1, 0)
ENDS = (b"</stream:stream>", b"<stream:error")
TLS: ssl.SSLContext = client_context()


class Lost(Exception):
    """The server has closed the connection, or said nothing for too long."""


class Silent(Lost):
    """The server has said nothing for too long."""


class Elements:
    """Cuts what comes behind a stream header into elements."""

    def __init__(self) -> None:
        self._parser: Any = XMLPullParser(("start", "end"))  # its stubs know no end without a start
        self._depth = 0
        self.feed(header(HOST))

    def feed(self, data: bytes) -> list[Element]:
        """Give the elements that *data* completes."""
        self._parser.feed(data)
        complete = []
        for kind, element in self._parser.read_events():
            self._depth += 1 if kind == "start" else -1
            if kind == "end" and self._depth == 1:
                assert isinstance(element, Element)
                complete.append(element)
        return complete


class Client:
    """One connection; whatever is not handled by a behaviour is read and dropped."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, domain: str, tls: ssl.SSLContext
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._domain = domain
        self._tls = tls
        self._buffer = b""
        self._elements: Elements | None = None
        self._found: deque[Element] = deque()
        self._counted: Counted | None = None
        self._user = ""
        self.full_jid = ""
        """Once it is bound."""

    @classmethod
    async def connect(
        cls,
        port: int,
        receive_bytes: int | None = None,
        *,
        is_tls: bool = False,
        domain: str = HOST,
        tls: ssl.SSLContext = TLS,
    ) -> Self:
        """Connect to the port on loopback, with a small kernel buffer if wanted; *is_tls*: the port begins with TLS.

        Raises OSError where nobody is there.
        """
        sock = socket.socket()
        if receive_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
            streams = await asyncio.open_connection(
                sock=sock,
                limit=READ_BYTES,
                ssl=tls if is_tls else None,
                server_hostname=domain if is_tls else None,
            )
            return cls(*streams, domain, tls)
        except BaseException:
            sock.close()
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.abort()

    async def log_in(self, user: str, with_tls: bool = True, password: str = PASSWORD) -> None:
        """Take the connection up to the features after authentication."""
        await self.open()
        if with_tls:
            await self.start_tls()
            await self.open()
        await self.authenticate(user, password)
        await self.open()

    async def open(self) -> bytes:
        """Send a header and give the features, or the error, that come."""
        self._elements = None
        return await self.ask(header(self._domain), *FEATURES)

    @property
    def is_cut(self) -> bool:
        """Whether the connection has ended under what was written."""
        return self._writer.transport.is_closing()

    async def start_tls(self) -> None:
        """Go over to TLS."""
        await self.ask(STARTTLS, b"<proceed")
        await self.begin_tls()

    async def begin_tls(self) -> None:
        """Begin TLS here and now."""
        await self._writer.start_tls(
            self._tls, server_hostname=self._domain, ssl_handshake_timeout=PATIENCE_S
        )
        self._buffer = b""

    async def authenticate(self, user: str, password: str = PASSWORD) -> None:
        """SCRAM-SHA-1; Lost where it fails."""
        self._user = user
        scram = ScramClient(user, password, secrets.token_hex(12))
        first = b"<auth xmlns='%b' mechanism='SCRAM-SHA-1'>%b</auth>" % (SASL.encode(), scram.first())
        challenge = await self.ask(first, b"</challenge>", b"</failure>")
        payload = challenge[challenge.rindex(b"<challenge") :].split(b">", 1)[1][: -len(b"</challenge>")]
        answer = b"<response xmlns='%b'>%b</response>" % (SASL.encode(), scram.final(payload))
        if b"</success>" not in await self.ask(answer, b"</success>", b"</failure>"):
            raise Lost("the password was refused")

    async def authenticate_plain(self, user: str, password: str) -> bytes:
        """PLAIN; gives the answer: whole where it is a success, else up to the condition."""
        self._user = user
        secret = b64encode(f"\0{user}\0{password}".encode())
        request = b"<auth xmlns='%b' mechanism='PLAIN'>%b</auth>" % (SASL.encode(), secret)
        return await self.ask(request, b"/>", b"</success>")

    async def bind(self, resource: str) -> None:
        """Bind, and become available."""
        await self.bind_only(resource)
        await self.ask(b"<presence/>", b"<presence")

    async def bind_only(self, resource: str) -> None:
        """Bind a resource."""
        await self.ask(
            f"<iq type='set' id='bind-1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            f"<resource>{resource}</resource></bind></iq>".encode(),
            b"</iq>",
        )
        self.full_jid = f"{self._user}@{self._domain}/{resource}"

    async def ask(self, data: bytes, *wanted: bytes) -> bytes:
        """Send *data*, read until one of *wanted* has come; give what came up to its end."""
        self.send(data)
        return await self.until(*wanted)

    def send(self, data: bytes) -> None:
        """Write *data*."""
        self._writer.write(data)

    async def sent(self) -> None:
        """Wait until what was written has left."""
        try:
            await asyncio.wait_for(self._writer.drain(), PATIENCE_S)
        except (OSError, TimeoutError) as error:
            raise Lost(str(error)) from error
        if self.is_cut:  # what is written to a closed connection under TLS goes nowhere, silently
            raise Lost("the connection was cut")

    async def until(self, *wanted: bytes, timeout_s: float = PATIENCE_S) -> bytes:
        """Read until one of *wanted* has come; Lost where the stream ends before, Silent where nothing comes."""
        while True:
            ends = [at + len(token) for token in wanted if (at := self._buffer.find(token)) >= 0]
            if ends:
                seen, self._buffer = self._buffer[: min(ends)], self._buffer[min(ends) :]
                return seen
            try:
                self._buffer += await self.read(timeout_s=timeout_s)
            except Lost as lost:
                last_seen = self._buffer[-LAST_SEEN:].decode(errors="replace")
                raise type(lost)(f"{lost} before {wanted[0]!r} came; last seen: {last_seen}") from lost

    async def exactly(self, size: int) -> bytes:
        """Read so many bytes, and give them."""
        while len(self._buffer) < size:
            self._buffer += await self.read()
        seen, self._buffer = self._buffer[:size], self._buffer[size:]
        return seen

    async def element(self, timeout_s: float = PATIENCE_S) -> Element:
        """Give the next first-level element; what came with it is for this method, no longer for `until`."""
        while not self._found:
            self._found.extend(await self.elements(timeout_s=timeout_s))
        return self._found.popleft()

    async def elements(self, size: int = READ_BYTES, *, timeout_s: float | None = None) -> list[Element]:
        """Read once, up to *size* bytes, and give the first-level elements that are complete by that."""
        if self._elements is None:
            self._elements = Elements()
        data, self._buffer = self._buffer, b""
        return self._elements.feed(data or await self.read(size, timeout_s=timeout_s))

    async def read(self, size: int = READ_BYTES, *, timeout_s: float | None = PATIENCE_S) -> bytes:
        """Read something; Lost at the end of the stream, Silent where nothing comes in time."""
        try:
            data = await asyncio.wait_for(self._reader.read(size), timeout_s)
        except TimeoutError as error:
            raise Silent(f"nothing in {timeout_s} s") from error
        except OSError as error:
            raise Lost(f"{type(error).__name__} {error}") from error
        if not data:
            raise Lost("the connection was closed")
        self._count(data)
        return data

    async def until_closed(self) -> bytes:
        """Read until the server closes; give what came."""
        seen = self._buffer
        try:
            while True:
                seen += await self.read()
        except Lost as lost:
            if "closed" not in str(lost) and "Reset" not in str(lost):
                raise
        return seen

    async def enable(self) -> Counted:
        """Turn XEP-0198 on, and count from here on."""
        await self.ask(f"<enable xmlns='{NS}' resume='true'/>".encode(), b"<enabled")
        enabled = await self.until(b"/>")
        self._counted = Counted(enabled.split(b"id='")[1].split(b"'")[0].decode())
        self._count(self._buffer)
        return self._counted

    async def resume(self, counted: Counted) -> int | None:
        """Resume the session that was counted; give how many stanzas the server has handled, None where it is gone."""
        await self.ask(counted.resume(), b"<resumed", b"<failed")
        rest = await self.until(b">")
        if b" h='" not in rest or b"previd" not in rest:
            return None
        counted.begin()
        self._counted = counted
        self._count(self._buffer)
        return int(rest.split(b" h='")[1].split(b"'")[0])

    def _count(self, data: bytes) -> None:
        if self._counted is not None:
            self.send(self._counted.feed(data))

    def close(self) -> None:
        """Close after what was written."""
        self._writer.close()

    def abort(self) -> None:
        """Cut the connection: the server sees a reset."""
        sock = self._writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._writer.transport.abort()


def client_hello() -> bytes:
    """Give the first flight of a TLS handshake."""
    outgoing = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        TLS.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=HOST).do_handshake()
    return outgoing.read()
