"""A client of blocking sockets and prepared bytes, which does what no library would."""

import contextlib
import socket
import ssl
from base64 import b64encode
from pathlib import Path
from types import TracebackType
from typing import Self

TIMEOUT_S = 15.0
RECEIVED_BYTES = 65_536
SEEN_BYTES = 2 * RECEIVED_BYTES
HEADER = (
    b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    b"xmlns:stream='http://etherx.jabber.org/streams'>"
)


class RawClient:
    """One connection; closed at the end of a ``with`` block."""

    def __init__(
        self,
        port: int,
        *,
        is_tls: bool = False,
        receive_bytes: int | None = None,
        certificate: Path | None = None,
    ) -> None:
        """*receive_bytes* is the size of the kernel's buffer, small for a client that will not read.

        *certificate* is a PEM file with the client's own certificate and its key.
        """
        self._certificate = certificate
        plain = socket.socket()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plain.settimeout(TIMEOUT_S)
        plain.connect(("127.0.0.1", port))
        self.socket: socket.socket = plain
        if is_tls:
            self.begin_tls()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send *data*."""
        self.socket.sendall(data)

    def until(self, *marks: bytes) -> bytes:
        """Read up to one of *marks*; AssertionError where the connection ends before it."""
        received = bytearray()
        while not any(mark in received[-SEEN_BYTES:] for mark in marks):
            data = self.socket.recv(RECEIVED_BYTES)
            assert data, f"none of {marks!r} in {bytes(received[-SEEN_BYTES:])!r}"
            received += data
        return bytes(received)

    def open(self) -> bytes:
        """Send a header and give the features."""
        self.send(HEADER)
        return self.until(b"</stream:features>")

    def begin_tls(self) -> None:
        """Begin TLS; whose certificate it is does not matter here."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if self._certificate is not None:
            context.load_cert_chain(self._certificate)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def start_tls(self) -> None:
        """Header, STARTTLS, TLS."""
        self.open()
        self.send(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.until(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.begin_tls()

    def authenticate(self, username: str, password: str) -> bytes:
        """Send the password by PLAIN and give the answer."""
        message = b64encode(f"\0{username}\0{password}".encode())
        self.send(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + message + b"</auth>")
        return self.until(b">")

    def log_in(self, username: str, password: str, resource: str) -> None:
        """Header, PLAIN, header, binding."""
        self.open()
        answer = self.authenticate(username, password)
        assert b"<success" in answer, answer
        self.open()
        self.send(
            b"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>"
            + resource.encode()
            + b"</resource></bind></iq>"
        )
        self.until(b"</iq>")

    def is_closed(self) -> bool:
        """Whether the server has closed the connection by now; what it has sent is thrown away."""
        self.socket.settimeout(0.0)
        try:
            while self.socket.recv(RECEIVED_BYTES):
                pass
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.socket.settimeout(TIMEOUT_S)
        return True


def connect_many(number: int, port: int) -> contextlib.ExitStack:
    """Open idle sockets; closed with what is given."""
    stack = contextlib.ExitStack()
    for _ in range(number):
        stack.enter_context(RawClient(port))
    return stack
