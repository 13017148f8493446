"""What the checks look at: the configuration as it was read, and the machine around it."""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from xmppd.admin.check.lookup import has_address, services
from xmppd.admin.control.path import socket_path
from xmppd.config import Config
from xmppd.config.modules import Known
from xmppd.config.obstacles import Obstacle, obstacle_to_using
from xmppd.config.read import Reading
from xmppd.config.section import Address
from xmppd.core.outgoing import Service

ASK_TIMEOUT_S = 1.0


def utc_now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


def is_running(data_dir: Path) -> bool:
    """Say whether a server works with this data folder: one that does answers on its control socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(ASK_TIMEOUT_S)
        try:
            asking.connect(os.fspath(socket_path(data_dir)))
        except OSError:
            return False
        return True


def try_to_bind(address: Address) -> None:
    """Bind *address* for a moment; raises OSError where a server could not."""
    family = socket.AF_INET6 if address.is_ipv6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.is_ipv6:
            trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        trial.bind((address.host, address.port))


def free_bytes(folder: Path) -> int:
    """Give how much the user may still write on the disk of *folder*; raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


@dataclass(frozen=True, slots=True)
class Machine:
    """What is asked of the machine; a test brings its own answers."""

    now: Callable[[], datetime] = utc_now
    uid: int = field(default_factory=os.geteuid)
    is_running: Callable[[Path], bool] = is_running
    try_to_bind: Callable[[Address], None] = try_to_bind
    free_bytes: Callable[[Path], int] = free_bytes
    services: Callable[[str, Sequence[Address]], Sequence[Service]] = services
    """The SRV records of a name, by these name servers or the system's; raises `CannotResolve`."""
    has_address: Callable[[str, Sequence[Address]], bool] = has_address
    """Whether a name has an address; likewise."""
    obstacle_to_using: Callable[[Path], Obstacle | None] = obstacle_to_using
    """Why we cannot read, enter and write in a folder."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What one run of the checks is about."""

    reading: Reading
    config: Config
    """Made of what is right in the file, wrong options left out."""
    machine: Machine
    modules: Known | None
    """What is known of all modules that there are; None where that is not known."""
