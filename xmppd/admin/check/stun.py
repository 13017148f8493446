"""Asks a STUN or TURN server, as a client in a call does, and waits for it: for a check, which has no reactor.

RFC 8489 (Binding, long-term credentials of 9.2) and RFC 8656 (Allocate, and Refresh, which gives it back at once), over
UDP, TCP and TLS. Not covered: SHA-256 as password algorithm (RFC 8489 9.2.4), permissions, and what is relayed.
"""

import hmac
import secrets
import socket
import ssl
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from hashlib import md5, sha1
from ipaddress import ip_address
from typing import Final

TIMEOUT_S: Final = 1.0
TRIES: Final = 3
"""How often a datagram is sent that nobody answers."""
ANSWER_BYTES: Final = 2_048
COOKIE: Final = 0x2112A442
BINDING, ALLOCATE, REFRESH = 0x001, 0x003, 0x004
SUCCESS, REFUSAL = 0x100, 0x110
USERNAME, INTEGRITY, ERROR, LIFETIME, REALM, NONCE = 0x0006, 0x0008, 0x0009, 0x000D, 0x0014, 0x0015
RELAYED, TRANSPORT, MAPPED = 0x0016, 0x0019, 0x0020
_UDP: Final = b"\x11\0\0\0"
_HEADER: Final = struct.Struct("!HHI12s")
_ATTRIBUTE: Final = struct.Struct("!HH")
_INTEGRITY_BYTES: Final = 24
_UNAUTHORIZED: Final = 401

Attributes = Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Server:
    """Where a STUN or TURN server is."""

    host: str
    port: int
    is_stream: bool = False
    """By TCP instead of UDP."""
    is_tls: bool = False


class Refused(Exception):
    """The server has answered, with an error: its code and its words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{code} {words}".rstrip())
        self.code = code


def mapped(server: Server) -> str:
    """Give the address that *server* sees us at (RFC 8489 3); raises OSError, `Refused`."""
    with closing(_Asking(server)) as asking:
        return _address(asking.ask(BINDING), MAPPED, asking.id)


def relayed(server: Server, credentials: tuple[str, str] | None) -> str:
    """Give the address at which *server* relays for who has these *credentials*, name and password (RFC 8656 7).

    None: for anybody. Raises OSError, `Refused`.
    """
    with closing(_Asking(server)) as asking:
        wanted = {TRANSPORT: _UDP}
        try:
            return _given_back(asking, asking.ask(ALLOCATE, wanted))
        except Refused as error:
            if credentials is None or error.code != _UNAUTHORIZED:
                raise
        asking.log_in(*credentials)
        return _given_back(asking, asking.ask(ALLOCATE, wanted))


def _given_back(asking: "_Asking", answer: Attributes) -> str:
    address = _address(answer, RELAYED, asking.id)
    with suppress(OSError, Refused):  # it ends by itself, too
        asking.ask(REFRESH, {LIFETIME: bytes(4)})
    return address


class _Asking:
    """One conversation: a question and its answer at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._socket = _connect(server)
        self._signed: dict[int, bytes] = {}
        self._key = b""
        self._last: Attributes = {}
        self.id = b""
        """That of the last question."""

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def log_in(self, username: str, password: str) -> None:
        """Sign what follows, with what the last answer said (RFC 8489 9.2.2)."""
        realm, nonce = self._last.get(REALM), self._last.get(NONCE)
        if realm is None or nonce is None:
            raise Refused(_UNAUTHORIZED, "without a realm and a nonce, so that nobody can log in")
        self._signed = {USERNAME: username.encode(), REALM: realm, NONCE: nonce}
        self._key = md5(b":".join((username.encode(), realm, password.encode()))).digest()

    def ask(self, method: int, attributes: Attributes | None = None) -> Attributes:
        """Give the attributes of the answer; raises OSError, `Refused`."""
        self.id = secrets.token_bytes(12)
        content = b"".join(_packed({**(attributes or {}), **self._signed}))
        if self._key:
            covered = _HEADER.pack(method, len(content) + _INTEGRITY_BYTES, COOKIE, self.id) + content
            content += b"".join(_packed({INTEGRITY: hmac.new(self._key, covered, sha1).digest()}))
        kind, self._last = self._exchange(_HEADER.pack(method, len(content), COOKIE, self.id) + content)
        if kind == method | SUCCESS:
            return self._last
        if kind == method | REFUSAL and len(error := self._last.get(ERROR, b"")) >= 4:
            raise Refused(error[2] * 100 + error[3], error[4:].decode("utf-8", "replace"))
        raise OSError("what answers there is no STUN server")

    def _exchange(self, question: bytes) -> tuple[int, Attributes]:
        for _ in range(1 if self._server.is_stream else TRIES):
            self._socket.sendall(question)
            with suppress(TimeoutError):
                while True:
                    kind, id, attributes = _unpacked(self._receive())
                    if id == self.id:
                        return kind, attributes
        raise OSError("it does not answer")

    def _receive(self) -> bytes:
        if not self._server.is_stream:
            return self._socket.recv(ANSWER_BYTES)
        head = self._exactly(_HEADER.size)
        return head + self._exactly(min(_HEADER.unpack(head)[1], ANSWER_BYTES))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise OSError("it closes the connection")
            data += more
        return data


def _connect(server: Server) -> socket.socket:
    if server.is_stream:
        plain = socket.create_connection((server.host, server.port), TIMEOUT_S * TRIES)
        if not server.is_tls:
            return plain
        with plain:  # closed where TLS fails; wrapped, it is another's
            return ssl.create_default_context().wrap_socket(plain, server_hostname=server.host)
    family, kind, protocol, _, address = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_DGRAM)[
        0
    ]
    asking = socket.socket(family, kind, protocol)
    try:
        asking.settimeout(TIMEOUT_S)
        asking.connect(address)
    except OSError:
        asking.close()
        raise
    return asking


def _packed(attributes: Attributes) -> Iterator[bytes]:
    """RFC 8489 14: each is filled up to four bytes."""
    for kind, value in attributes.items():
        yield _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _unpacked(message: bytes) -> tuple[int, bytes, Attributes]:
    """Give kind, id and attributes; those of nobody for what is no STUN message (RFC 8489 6.3)."""
    if len(message) < _HEADER.size:
        return 0, b"", {}
    kind, size, cookie, id = _HEADER.unpack_from(message)
    if cookie != COOKIE or len(message) < _HEADER.size + size:
        return 0, b"", {}
    attributes: dict[int, bytes] = {}
    at = _HEADER.size
    while at + _ATTRIBUTE.size <= len(message):
        number, length = _ATTRIBUTE.unpack_from(message, at)
        at += _ATTRIBUTE.size
        attributes.setdefault(number, message[at : at + length])
        at += length + -length % 4
    return kind, id, attributes


def _address(answer: Attributes, kind: int, id: bytes) -> str:
    """RFC 8489 14.2: an IP address, XORed with cookie and id."""
    value = answer.get(kind, b"")[4:]
    mask = COOKIE.to_bytes(4, "big") + id
    if len(value) not in (4, 16):
        raise OSError("its answer has no address")
    return str(ip_address(bytes(a ^ b for a, b in zip(value, mask, strict=False))))
