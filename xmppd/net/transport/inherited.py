"""Listening sockets that systemd has opened and hands over: sd_listen_fds(3).

Each has a name, ``FileDescriptorName=`` of its socket unit, which is the option that it stands for, such as
``c2s.listen``. With them a restart refuses nobody: who connects meanwhile waits in the kernel.
"""

import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import Final

from xmppd.net.transport.listen import ListenError, prepare

FIRST: Final = 3
"""The number of the first descriptor that is handed over (SD_LISTEN_FDS_START)."""
VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

Inherited = Mapping[str, list[socket.socket]]


def inherited_sockets(env: MutableMapping[str, str]) -> Inherited:
    """Give the sockets by name, ready to accept, and forget the variables, which are not for our children.

    Nothing where they are for another process. Raises `ListenError` for what is no listening stream socket.
    """
    pid, count, names = (env.pop(name, "") for name in VARIABLES)
    if pid != str(os.getpid()) or not count.isdigit():
        return {}
    sockets: dict[str, list[socket.socket]] = {}
    for number, name in zip(range(FIRST, FIRST + int(count)), names.split(":"), strict=False):
        sockets.setdefault(name, []).append(_listening(number, name))
    return sockets


def _listening(number: int, name: str) -> socket.socket:
    try:
        sock = socket.socket(fileno=number)
    except OSError as error:
        raise ListenError(f"descriptor {number} ({name}) is no socket: {error.strerror}") from error
    is_stream = sock.type == socket.SOCK_STREAM and sock.family in (socket.AF_INET, socket.AF_INET6)
    if not is_stream or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.detach()
        raise ListenError(f"descriptor {number} ({name}) is no TCP socket that listens: see its socket unit")
    sock.set_inheritable(False)
    prepare(sock)
    return sock
