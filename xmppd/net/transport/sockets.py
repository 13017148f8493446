"""Small services for connected sockets: their addresses in Twisted's form, and their orderly or abrupt end."""

import contextlib
import socket
import struct
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address

Sockaddr = tuple[Any, ...]
"""What ``accept`` and ``getsockname`` give for TCP: (host, port), or (host, port, flow, scope)."""

READ_BYTES: Final = 16384
"""The most that a connection is read in one turn: what that many bytes of small stanzas cost is a few milliseconds."""

_DISCARD_BYTES: Final = 65536
_DISCARDED_READS: Final = 4
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)


def twisted_address(sockaddr: Sockaddr) -> IPv4Address | IPv6Address:
    """The Twisted address for a TCP socket's own form of it."""
    if len(sockaddr) == 2:
        return IPv4Address("TCP", *sockaddr)
    return IPv6Address("TCP", *sockaddr)


def close_socket(sock: socket.socket, is_orderly: bool) -> None:
    """Close *sock*: after what was sent if *is_orderly*, else with a reset.

    Input that nobody read would make the kernel send a reset after all, and the peer might lose our last words:
    a bounded part of it is read and dropped.
    """
    with contextlib.suppress(OSError):
        if is_orderly:
            sock.shutdown(socket.SHUT_WR)
            for _ in range(_DISCARDED_READS):
                if not sock.recv(_DISCARD_BYTES):
                    break
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    with contextlib.suppress(OSError):
        sock.close()
