"""One client connection: a plain or TLS socket, written by prepared bytes, read by a *script* or a callable.

A script is a generator that yields the byte strings it waits for and is resumed with the bytes up to and including
the first of them that arrived. It yields ``HANDSHAKE`` to go over to TLS.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable, Generator
from typing import Final

from benchmarks.load.loop import LoadError, Loop

READ_BYTES = 65536
NOTHING_YET = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
HANDSHAKE: Final = ()

Wanted = tuple[bytes, ...]
Script = Generator[Wanted, bytes, None]


def ignore(data: bytes) -> None:
    """Read and forget."""


class Connection:
    """A connected, non-blocking client socket in a loop."""

    __slots__ = (
        "_backlog",
        "_buffer",
        "_handshaking",
        "_loop",
        "_script",
        "_tls",
        "_wanted",
        "is_closed",
        "is_idle",
        "jid",
        "on_script_end",
        "receive",
        "sock",
    )

    def __init__(self, loop: Loop, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.jid = ""
        self.receive: Callable[[bytes], None] = ignore
        self.on_script_end: Callable[[], None] = _nothing
        self.is_closed = False
        self.is_idle = False
        self._loop = loop
        self._tls = tls
        self._backlog = b""
        self._buffer = b""
        self._handshaking = False
        self._script: Script | None = None
        self._wanted: Wanted = ()
        loop.watch(self)

    def fileno(self) -> int:
        """Give the socket's descriptor."""
        return self.sock.fileno()

    def send(self, data: bytes) -> None:
        """Write now what the kernel takes, and the rest when it can."""
        if self._backlog:
            self._backlog += data
            return
        try:
            sent = self.sock.send(data)
        except NOTHING_YET:
            sent = 0
        except OSError as error:
            raise LoadError(f"{self.jid}: the server closed the connection ({error})") from error
        if sent < len(data):
            self._backlog = data[sent:]
            self._loop.want_write(self, True)

    def ready(self) -> None:
        """Read all that is there (called by the loop)."""
        if self._handshaking:
            self._shake_hands()
            return
        if self._backlog:
            self._flush()
        try:
            data = self.sock.recv(READ_BYTES)
        except NOTHING_YET:
            return
        except OSError as error:
            raise LoadError(f"{self.jid}: connection lost ({error})") from error
        if not data:
            self._lost()
            return
        self.receive(data)
        if self._tls is not None:
            self._drain_tls()

    def run(self, script: Script) -> None:
        """Follow a script; ``on_script_end`` is called after its last step, and input is ignored from then on."""
        self._script = script
        self._buffer = b""
        self.receive = self._feed_script
        self._step(None)

    def close(self, farewell: bytes = b"</stream:stream>") -> None:
        """Say goodbye and close at once."""
        if self.is_closed:
            return
        self.is_closed = True
        self._loop.forget(self)
        with contextlib.suppress(OSError):
            self.sock.send(farewell)
        self.sock.close()

    def _flush(self) -> None:
        data, self._backlog = self._backlog, b""
        self._loop.want_write(self, False)
        self.send(data)

    def _drain_tls(self) -> None:
        sock = self.sock
        while isinstance(sock, ssl.SSLSocket) and sock.pending() and not self.is_closed:
            self.receive(sock.recv(READ_BYTES))

    def _lost(self) -> None:
        if not self.is_closed:
            tail = self._buffer[-300:].decode(errors="replace")
            raise LoadError(f"{self.jid}: the server closed the connection; last seen: {tail}")

    def _feed_script(self, data: bytes) -> None:
        self._buffer += data
        while self._script is not None and not self._handshaking:
            end = _first_end(self._buffer, self._wanted)
            if end < 0:
                return
            seen, self._buffer = self._buffer[:end], self._buffer[end:]
            self._step(seen)

    def _step(self, seen: bytes | None) -> None:
        script = self._script
        assert script is not None
        try:
            self._wanted = next(script) if seen is None else script.send(seen)
        except StopIteration:
            self._script = None
            self.receive = ignore
            self.on_script_end()
            return
        if self._wanted == HANDSHAKE:
            self._begin_tls()

    def _begin_tls(self) -> None:
        assert self._tls is not None
        self._buffer = b""
        self._handshaking = True
        self.sock = self._tls.wrap_socket(
            self.sock, server_hostname="localhost", do_handshake_on_connect=False, suppress_ragged_eofs=True
        )
        self._shake_hands()

    def _shake_hands(self) -> None:
        assert isinstance(self.sock, ssl.SSLSocket)
        try:
            self.sock.do_handshake()
        except NOTHING_YET:
            return
        except OSError as error:
            raise LoadError(f"{self.jid}: TLS handshake failed ({error})") from error
        self._handshaking = False
        self._step(b"")


def counted(token: bytes, arrived: Callable[[int], None]) -> Callable[[bytes], None]:
    """Make a receiver that tells how often ``token`` came; one split over two reads counts once."""
    keep = len(token) - 1
    tail = b""

    def receive(data: bytes) -> None:
        nonlocal tail
        if tail:
            data = tail + data
        count = data.count(token)
        tail = data[-keep:]
        if count:
            arrived(count)

    return receive


def _first_end(buffer: bytes, wanted: Wanted) -> int:
    ends = [at + len(token) for token in wanted if (at := buffer.find(token)) >= 0]
    return min(ends, default=-1)


def _nothing() -> None:
    return
