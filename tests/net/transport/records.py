"""TLS records that no library would send, made with the keys of a client's own handshake.

RFC 8446 5.2, 7.1 to 7.3 and 4.6.3 (KeyUpdate); RFC 5246 6.2.3.3 and 6.3 with the ciphers of RFC 5288.
"""

import hashlib
import hmac
import socket
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from OpenSSL import SSL

HANDSHAKE = 22
APPLICATION_DATA = 23
CLIENT_HELLO = b"\x01\x00\x00\x00"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SALT_BYTES = 4


def _number(value: int, size_bytes: int) -> bytes:
    return value.to_bytes(size_bytes, "big")


def _key_bytes(cipher: str) -> int:
    assert "GCM" in cipher, cipher
    return 32 if "256_GCM" in cipher or "AES256" in cipher else 16


def _shaken(context: SSL.Context, sock: socket.socket, turn: Callable[[], object]) -> SSL.Connection:
    connection = SSL.Connection(context, sock)
    connection.set_connect_state()
    while True:
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            turn()
        else:
            return connection


class Client13:
    """A client that has shaken hands over TLS 1.3; records are made, not sent."""

    def __init__(self, sock: socket.socket, turn: Callable[[], object]) -> None:
        """*turn* has the server go on, on the other end of the non-blocking *sock*."""
        lines: list[bytes] = []
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_keylog_callback(lambda connection, line: lines.append(line))
        self.connection = _shaken(context, sock, turn)
        cipher = self.connection.get_cipher_name() or ""
        self._algorithm = hashes.SHA384() if cipher.endswith("384") else hashes.SHA256()
        self._key_bytes = _key_bytes(cipher)
        secrets = {line.split()[0]: line.split()[2] for line in lines}
        self._take(bytes.fromhex(secrets[b"CLIENT_TRAFFIC_SECRET_0"].decode()))

    def record(self, kind: int, content: bytes) -> bytes:
        """Give *content* as the next record (RFC 8446 5.2)."""
        inner = content + bytes([kind])
        head = b"\x17\x03\x03" + _number(len(inner) + _TAG_BYTES, 2)
        count = _number(self._sent, _NONCE_BYTES)
        self._sent += 1
        nonce = bytes(one ^ other for one, other in zip(self._iv, count, strict=True))
        return head + self._key.encrypt(nonce, inner, head)

    def key_update(self, is_answer_wanted: bool = False) -> bytes:
        """Give a KeyUpdate, and go on with the next keys (RFC 8446 4.6.3)."""
        record = self.record(HANDSHAKE, b"\x18\x00\x00\x01" + bytes([is_answer_wanted]))
        self._take(self._expand(self._secret, b"traffic upd", self._algorithm.digest_size))
        return record

    def _take(self, secret: bytes) -> None:
        self._secret = secret
        self._key = AESGCM(self._expand(secret, b"key", self._key_bytes))
        self._iv = self._expand(secret, b"iv", _NONCE_BYTES)
        self._sent = 0

    def _expand(self, secret: bytes, label: bytes, size_bytes: int) -> bytes:
        """RFC 8446 7.1, HKDF-Expand-Label."""
        full = b"tls13 " + label
        info = _number(size_bytes, 2) + _number(len(full), 1) + full + b"\x00"
        return HKDFExpand(self._algorithm, size_bytes, info).derive(secret)


class Client12:
    """The same over TLS 1.2."""

    def __init__(self, sock: socket.socket, turn: Callable[[], object]) -> None:
        """As above."""
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        self.connection = _shaken(context, sock, turn)
        cipher = self.connection.get_cipher_name() or ""
        size = _key_bytes(cipher)
        keys = self._expand("sha384" if cipher.endswith("384") else "sha256", 2 * size + _SALT_BYTES)
        self._key = AESGCM(keys[:size])
        self._salt = keys[2 * size :]
        self._sent = 1  # Finished was the first

    def record(self, kind: int, content: bytes) -> bytes:
        """Give *content* as the next record (RFC 5288 3)."""
        count = _number(self._sent, 8)
        self._sent += 1
        head = bytes([kind]) + b"\x03\x03"
        body = self._key.encrypt(self._salt + count, content, count + head + _number(len(content), 2))
        return head + _number(len(count + body), 2) + count + body

    def _expand(self, algorithm: str, size_bytes: int) -> bytes:
        """RFC 5246 5 and 6.3, the key block."""
        connection = self.connection
        secret = connection.master_key() or b""
        seed = b"key expansion" + (connection.server_random() or b"") + (connection.client_random() or b"")
        found, part = b"", seed
        digest = getattr(hashlib, algorithm)
        while len(found) < size_bytes:
            part = hmac.new(secret, part, digest).digest()
            found += hmac.new(secret, part + seed, digest).digest()
        return found[:size_bytes]
