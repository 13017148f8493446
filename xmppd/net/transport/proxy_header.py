"""The header of the PROXY protocol, by which a load balancer says whose connection it passes on. No I/O.

https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt, version 1 (2.1) and version 2 (2.2). What may stand behind
the addresses of version 2 (2.2.1 to 2.2.8) is passed over, checksums too.
"""

import struct
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from xmppd.net.transport.sockets import Sockaddr

MAX_BYTES: Final = 4096
"""Of a header of version 2, with what stands behind its addresses; one of version 1 has 107 at most."""

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED: Final = struct.Struct("!12sBBH")
_LINE: Final = b"PROXY "
_LINE_BYTES: Final = 107
_LINE_END: Final = b"\r\n"
_LINE_WORDS: Final = 6
_MAX_PORT: Final = 65_535
_VERSION: Final = 2
_LOCAL, _PROXY = 0, 1
_STREAM: Final = 1
_KINDS: Final = {1: struct.Struct("!4s4sHH"), 2: struct.Struct("!16s16sHH")}
"""The addresses by family, AF_INET and AF_INET6: source, destination, and their ports."""
_LAST_FAMILY, _LAST_TRANSPORT = 3, 2


class BadHeader(Exception):
    """What came is no such header; the text says why, in a line."""


class ProxyHeader:
    """Takes one header out of what comes, piece by piece, and not a byte more."""

    __slots__ = ("_got", "client", "is_complete")

    def __init__(self) -> None:
        self._got = b""
        self.is_complete = False
        self.client: Sockaddr | None = None
        """As ``accept`` would give it; None where the connection is the balancer's own, or it cannot say whose."""

    @property
    def has_begun(self) -> bool:
        """Whether anything has come."""
        return bool(self._got)

    def take(self, data: bytes) -> int:
        """Give how many bytes of *data* belong to the header; raises `BadHeader`."""
        before = len(self._got)
        self._got = got = self._got + data
        if got.startswith(_SIGNATURE[: len(got)]):
            size = self._binary(got)
        elif got.startswith(_LINE[: len(got)]):
            size = self._line(got)
        else:
            raise BadHeader("it begins with no header of the PROXY protocol")
        self._got = got[:size]
        return size - before

    def _line(self, got: bytes) -> int:
        end = got.find(_LINE_END, 0, _LINE_BYTES)
        if end < 0:
            if len(got) >= _LINE_BYTES:
                raise BadHeader(f"the line of the header does not end within {_LINE_BYTES} bytes")
            return len(got)
        self.client = _of_line(got[:end])
        self.is_complete = True
        return end + len(_LINE_END)

    def _binary(self, got: bytes) -> int:
        if len(got) < _FIXED.size:
            return len(got)
        _, command, kind, length = _FIXED.unpack_from(got)
        size: int = _FIXED.size + length
        if command >> 4 != _VERSION or command & 15 not in (_LOCAL, _PROXY):
            raise BadHeader(f"version and command 0x{command:02x} are unknown")
        if size > MAX_BYTES:
            raise BadHeader(f"the header has {size} bytes, and {MAX_BYTES} are allowed")
        if len(got) < size:
            return len(got)
        if command & 15 == _PROXY:
            self.client = _of_block(kind, got[_FIXED.size : size])
        self.is_complete = True
        return size


def _of_line(line: bytes) -> Sockaddr | None:
    words = line.split(b" ")
    if words[1] == b"UNKNOWN":
        return None
    if words[1] not in (b"TCP4", b"TCP6") or len(words) != _LINE_WORDS:
        raise BadHeader("the line of the header has not the words that it should have")
    is_ipv6 = words[1] == b"TCP6"
    try:
        source, _ = (_address(word.decode("ascii"), is_ipv6) for word in words[2:4])
        port, _ = (_port(word) for word in words[4:])
    except (AddressValueError, UnicodeDecodeError):
        raise BadHeader("the line of the header has addresses that are none") from None
    return _sockaddr(source, port)


def _address(word: str, is_ipv6: bool) -> IPv4Address | IPv6Address:
    if "%" in word:  # a zone of this machine
        raise AddressValueError(word)
    return IPv6Address(word) if is_ipv6 else IPv4Address(word)


def _port(word: bytes) -> int:
    if not word.isdigit() or (word.startswith(b"0") and word != b"0") or int(word) > _MAX_PORT:
        raise BadHeader("the line of the header has ports that are none")
    return int(word)


def _of_block(kind: int, block: bytes) -> Sockaddr | None:
    family, transport = kind >> 4, kind & 15
    if family > _LAST_FAMILY or transport > _LAST_TRANSPORT:
        raise BadHeader(f"address family and transport 0x{kind:02x} are unknown")
    layout = _KINDS.get(family)
    if layout is None or transport != _STREAM:
        return None  # as AF_UNSPEC: it is passed on, and nobody can say for whom
    if len(block) < layout.size:
        raise BadHeader("the header is shorter than its addresses")
    source, _, port, _ = layout.unpack_from(block)
    return _sockaddr(IPv6Address(source) if len(source) > 4 else IPv4Address(source), port)


def _sockaddr(address: IPv4Address | IPv6Address, port: int) -> Sockaddr:
    """An IPv4 address stays one when it is written as IPv6: as ``::ffff:…`` all of them would be in one network."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(address), port, 0, 0
        address = address.ipv4_mapped
    return str(address), port
