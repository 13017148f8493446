"""A client of the soak: just enough XMPP to get in, and every way of behaving badly."""

import asyncio
import contextlib
import secrets
import socket
import ssl
import struct
from typing import Self

from benchmarks.load.login import FEATURES, HEADER, HOST, PASSWORD, SASL, STARTTLS
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


class Client:
    """One connection; whatever is not handled by a behaviour is read and dropped."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = b""
        self._counted: Counted | None = None
        self._user = ""
        self.full_jid = ""
        """Once it is bound."""

    @classmethod
    async def connect(cls, port: int, receive_bytes: int | None = None, *, is_tls: bool = False) -> Self:
        """Connect to the port on loopback, with a small kernel buffer if wanted; *is_tls*: the port begins with TLS."""
        sock = socket.socket()
        if receive_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
            streams = await asyncio.open_connection(
                sock=sock,
                limit=READ_BYTES,
                ssl=TLS if is_tls else None,
                server_hostname=HOST if is_tls else None,
            )
            return cls(*streams)
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
        return await self.ask(HEADER, *FEATURES)

    @property
    def is_cut(self) -> bool:
        """Whether the connection has ended under what was written."""
        return self._writer.transport.is_closing()

    async def start_tls(self) -> None:
        """Go over to TLS."""
        await self.ask(STARTTLS, b"<proceed")
        await self._writer.start_tls(TLS, server_hostname=HOST, ssl_handshake_timeout=PATIENCE_S)
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

    async def bind(self, resource: str) -> None:
        """Become available."""
        await self.ask(
            f"<iq type='set' id='bind-1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            f"<resource>{resource}</resource></bind></iq>".encode(),
            b"</iq>",
        )
        self.full_jid = f"{self._user}@{HOST}/{resource}"
        await self.ask(b"<presence/>", b"<presence")

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

    async def until(self, *wanted: bytes) -> bytes:
        """Read until one of *wanted* has come; Lost where the stream ends before."""
        while True:
            ends = [at + len(token) for token in wanted if (at := self._buffer.find(token)) >= 0]
            if ends:
                seen, self._buffer = self._buffer[: min(ends)], self._buffer[min(ends) :]
                return seen
            try:
                self._buffer += await self.read()
            except Lost as lost:
                last_seen = self._buffer[-LAST_SEEN:].decode(errors="replace")
                raise Lost(f"{lost} before {wanted[0]!r} came; last seen: {last_seen}") from lost

    async def read(self, size: int = READ_BYTES) -> bytes:
        """Read something; Lost at the end of the stream."""
        try:
            data = await asyncio.wait_for(self._reader.read(size), PATIENCE_S)
        except (OSError, TimeoutError) as error:
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
