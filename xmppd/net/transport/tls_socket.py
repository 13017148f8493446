"""TLS on a non-blocking socket: pyOpenSSL's ``Connection`` without an exception for each "not yet".

The hot calls, read and write, go to OpenSSL through the cffi library that pyOpenSSL itself is made of, with one
buffer for the whole process: that saves about a quarter of the CPU of a relayed message against ``recv`` and
``send``. Where a future pyOpenSSL lacks those names, its public methods do the same work.
"""

import socket
from typing import Any, Final, Protocol

from OpenSSL import SSL

from xmppd.net.transport.sockets import READ_BYTES

try:
    from OpenSSL._util import ffi, lib
except ImportError:
    ffi = lib = None

# What a call came to. Plain integers: they are compared for each message.
DONE: Final = 0
WANT_READ: Final = 1
WANT_WRITE: Final = 2
MORE: Final = 3  # the bound was reached, OpenSSL may hold more, of which the poller knows nothing
CLOSED: Final = 4  # the peer's close_notify
BROKEN: Final = 5  # see TLSSocket.error

# A connection's phases.
CLEAR: Final = 0  # plaintext written before startTLS is still to leave
HANDSHAKE: Final = 1
OPEN: Final = 2
CLOSING: Final = 3  # our close_notify is out, or on its way

_NEEDED = (
    "SSL_read",
    "SSL_write",
    "SSL_get_error",
    "SSL_pending",
    "SSL_set_mode",
    "SSL_clear_mode",
    "SSL_MODE_AUTO_RETRY",
    "SSL_MODE_RELEASE_BUFFERS",
    "SSL_ERROR_WANT_READ",
    "SSL_ERROR_WANT_WRITE",
    "ERR_clear_error",
)
HAS_RAW_CALLS: Final = (
    lib is not None
    and all(hasattr(lib, name) for name in _NEEDED)
    and hasattr(SSL.Connection, "_raise_ssl_error")
)

HAS_HANDSHAKE_CALLS: Final = HAS_RAW_CALLS and all(
    hasattr(lib, name) for name in ("SSL_session_reused", "SSL_get_extms_support")
)

# Holds nothing from one call to the next; only the reactor's thread reads from sockets.
_buffer: Any = ffi.new("char[]", READ_BYTES) if HAS_RAW_CALLS else None


class ConnectionMaker(Protocol):
    """What makes a connection with settings of its own: a client's certificate wanted, a context by host."""

    def make_connection(self, sock: socket.socket) -> SSL.Connection:
        """A connection on *sock*, its role not set."""


def prepare_context(context: SSL.Context) -> None:
    """Set on a fresh *context* what every connection of ours needs: little memory at rest, no renegotiation."""
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)


def is_handshake_unique(connection: SSL.Connection) -> bool:
    """Whether the Finished messages of a connection are of it alone: it was not resumed, and its master secret holds

    the handshake (RFC 7627 1). False where OpenSSL cannot be asked.
    """
    if not HAS_HANDSHAKE_CALLS:
        return False
    ssl = connection._ssl  # private: see the module's docstring
    return not lib.SSL_session_reused(ssl) and lib.SSL_get_extms_support(ssl) == 1


def connection_on(source: object, sock: socket.socket) -> SSL.Connection:
    """A TLS connection on *sock* by a ``Context``, a ``ConnectionMaker`` or Twisted's ``getContext``."""
    if isinstance(source, SSL.Context):
        connection = SSL.Connection(source, sock)
    elif hasattr(source, "make_connection"):
        connection = source.make_connection(sock)
    elif hasattr(source, "getContext"):
        connection = SSL.Connection(source.getContext(), sock)
    else:
        raise TypeError(f"startTLS needs an SSL.Context or something with make_connection, not {source!r}")
    connection.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    return connection


class TLSSocket:
    """A TLS connection and where it stands; by pyOpenSSL's public methods alone."""

    __slots__ = (
        "clear",
        "connection",
        "error",
        "phase",
        "read_wants_write",
        "write_wants_read",
    )

    def __init__(self, connection: SSL.Connection, is_client: bool) -> None:
        self.connection = connection
        self.phase = HANDSHAKE
        self.clear = b""
        self.error: Exception | None = None
        self.read_wants_write = False
        self.write_wants_read = False
        if is_client:
            connection.set_connect_state()
        else:
            connection.set_accept_state()

    def handshake(self) -> int:
        """Go on with the handshake: DONE, WANT_READ, WANT_WRITE, CLOSED or BROKEN."""
        try:
            self.connection.do_handshake()
        except SSL.Error as error:
            return self._outcome(error)
        except BaseException:  # a callback of ours (SNI, ALPN, verification) failed
            clear_errors()
            raise
        return DONE

    def shutdown(self) -> int:
        """Send close_notify: DONE if the peer's has come too, WANT_READ while it is awaited."""
        try:
            return DONE if self.connection.shutdown() else WANT_READ
        except SSL.Error as error:
            return self._outcome(error)

    def pending(self) -> int:
        """Decrypted bytes that OpenSSL holds back; the poller does not report them."""
        return self.connection.pending()

    def read(self) -> tuple[bytes, int]:
        """What has come, at most READ_BYTES, and why it ends there."""
        pieces = []
        left = READ_BYTES
        outcome = MORE
        while left:
            try:
                piece = self.connection.recv(left)
            except SSL.Error as error:
                outcome = self._outcome(error)
                break
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces), outcome

    def write(self, data: bytes | memoryview) -> tuple[int, int]:
        """Send as much of *data* as goes; how much that was, and DONE or why not all."""
        view = memoryview(data)
        sent = 0
        while sent < len(view):
            try:
                sent += self.connection.send(view[sent:])
            except SSL.Error as error:
                return sent, self._outcome(error)
        return sent, DONE

    def _outcome(self, error: SSL.Error) -> int:
        if isinstance(error, SSL.WantReadError):
            return WANT_READ
        if isinstance(error, SSL.WantWriteError):
            return WANT_WRITE
        if isinstance(error, SSL.ZeroReturnError):
            return CLOSED
        self.error = error.with_traceback(None)  # its frames would hold us in a circle
        clear_errors()
        return BROKEN


class RawTLSSocket(TLSSocket):
    """The same, with OpenSSL called directly for reads and writes."""

    __slots__ = ("_ssl",)

    def __init__(self, connection: SSL.Connection, is_client: bool) -> None:
        super().__init__(connection, is_client)
        self._ssl: Any = connection._ssl  # private: see the module's docstring
        lib.SSL_set_mode(self._ssl, lib.SSL_MODE_RELEASE_BUFFERS)
        # which pyOpenSSL sets: a read would go on for as long as a peer sends key updates or refused hellos
        lib.SSL_clear_mode(self._ssl, lib.SSL_MODE_AUTO_RETRY)

    def pending(self) -> int:
        """As in TLSSocket."""
        return int(lib.SSL_pending(self._ssl))

    def read(self) -> tuple[bytes, int]:
        """As in TLSSocket. One call gives one record, so that a burst of small ones takes a few calls."""
        ssl = self._ssl
        got = 0
        outcome = MORE
        while got < READ_BYTES:
            count = lib.SSL_read(ssl, _buffer + got, READ_BYTES - got)
            if count <= 0:
                outcome = self._raw_outcome(count)
                break
            got += count
        return ffi.buffer(_buffer, got)[:], outcome

    def write(self, data: bytes | memoryview) -> tuple[int, int]:
        """As in TLSSocket. One call takes one record of at most 16 KiB."""
        ssl = self._ssl
        size = len(data)
        if data.__class__ is bytes:
            sent = lib.SSL_write(ssl, data, size)
            if sent == size:
                return size, DONE
            if sent <= 0:
                return 0, self._raw_outcome(sent)
        else:
            sent = 0
        start = ffi.from_buffer(data)
        while sent < size:
            count = lib.SSL_write(ssl, start + sent, size - sent)
            if count <= 0:
                return sent, self._raw_outcome(count)
            sent += count
        return sent, DONE

    def _raw_outcome(self, result: int) -> int:
        code = lib.SSL_get_error(self._ssl, result)
        if code == lib.SSL_ERROR_WANT_READ:
            return WANT_READ
        if code == lib.SSL_ERROR_WANT_WRITE:
            return WANT_WRITE
        try:
            self.connection._raise_ssl_error(self._ssl, result)  # private, and known to be there
        except SSL.Error as error:
            return self._outcome(error)
        raise AssertionError("OpenSSL failed without an error")


def clear_errors() -> None:
    """Empty the thread's queue of errors: what is left in it would be taken for the next connection's."""
    if HAS_RAW_CALLS:
        lib.ERR_clear_error()


def tls_socket(source: object, sock: socket.socket, is_client: bool = False) -> TLSSocket:
    """TLS on *sock* in the wanted role, by the fastest calls there are."""
    kind = RawTLSSocket if HAS_RAW_CALLS else TLSSocket
    return kind(connection_on(source, sock), is_client)
