"""A client over TCP: one plain or TLS socket."""

import contextlib
import socket
import ssl

from benchmarks.load.client import Client
from benchmarks.load.loop import LoadError, Loop

READ_BYTES = 65536
NOTHING_YET = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection(Client):
    """A connected, non-blocking client socket in a loop."""

    __slots__ = ("_backlog", "_handshaking", "_loop", "_tls", "sock")

    def __init__(self, loop: Loop, port: int, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        self._loop = loop
        self._tls = tls
        self._backlog = b""
        self._handshaking = False
        loop.watch(self)

    def fileno(self) -> int:
        """Give the socket's descriptor."""
        return self.sock.fileno()

    def write(self, data: bytes) -> None:
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
        self.heard(data)
        if self._tls is not None:
            self._drain_tls()

    def heard(self, data: bytes) -> None:
        """Something has come."""
        self.receive(data)

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
        self.write(data)

    def _drain_tls(self) -> None:
        sock = self.sock
        while isinstance(sock, ssl.SSLSocket) and sock.pending() and not self.is_closed:
            self.receive(sock.recv(READ_BYTES))

    def _lost(self) -> None:
        if not self.is_closed:
            tail = self._buffer[-300:].decode(errors="replace")
            raise LoadError(f"{self.jid}: the server closed the connection; last seen: {tail}")

    def _begin_tls(self) -> None:
        assert self._tls is not None
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
