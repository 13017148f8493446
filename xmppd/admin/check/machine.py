"""What the checks ask of the machine that they run on, and of the network; tests bring answers of their own."""

import ctypes
import importlib
import os
import resource
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from xmppd.admin.check.lookup import addresses, pins, services, vouches
from xmppd.admin.check.stranger import Seen, look
from xmppd.admin.check.stun import Server, mapped, relayed
from xmppd.admin.control.path import socket_path
from xmppd.config.obstacles import Obstacle, obstacle_to_using
from xmppd.config.section import Address
from xmppd.core.outgoing import Pin, Service
from xmppd.storage.lock import LOCK_NAME

ASK_TIMEOUT_S: Final = 1.0
FETCH_TIMEOUT_S: Final = 5.0
FETCH_BYTES: Final = 65_536
_TIME_ERROR: Final = 5
"""What adjtimex(2) says of a clock that nothing sets."""
_TIMEX_BYTES: Final = 512
"""More than the structure of adjtimex(2) has on any system."""
_IPV4: Final = Path("/proc/net/fib_trie")
_IPV6: Final = Path("/proc/net/if_inet6")


def utc_now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


def clock_is_set() -> bool | None:
    """Say whether something sets the clock of this machine (NTP or its like); None where it cannot be told."""
    try:
        state: int = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


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


def fetch(url: str) -> tuple[int, bytes]:
    """Ask a web server, as a client does; raises OSError where no answer comes in time, or by no trusted TLS."""
    request: Any = importlib.import_module("urllib.request")  # most checks have no need of it
    try:
        with request.urlopen(url, timeout=FETCH_TIMEOUT_S) as answer:
            return answer.status, answer.read(FETCH_BYTES)
    except OSError as error:
        status = getattr(error, "code", None)
        if isinstance(status, int):
            return status, b""
        raise OSError(str(getattr(error, "reason", error))) from error


def free_bytes(folder: Path) -> int:
    """Give how much the user may still write on the disk of *folder*; raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def free_inodes(folder: Path) -> int | None:
    """Give how many files may still be made on the disk of *folder*; None where there is no limit. Raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_favail if disk.f_files else None


def descriptor_limit(data_dir: Path) -> int:
    """Give how many descriptors the server of this data folder may have, else one that was started from here."""
    try:
        process = int((data_dir / LOCK_NAME).read_text().split()[0])
        for line in Path(f"/proc/{process}/limits").read_text().splitlines():
            if line.startswith("Max open files"):
                return int(line.split()[-2])
    except (OSError, ValueError, IndexError):
        pass
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def own_addresses() -> tuple[str, ...]:
    """Give the IP addresses of this machine, but for loopback ones; none where the system does not tell."""
    found: list[str] = []
    try:
        lines = [line.split() for line in _IPV4.read_text().splitlines()]
        found += [last[-1] for last, line in pairwise(lines) if line[-2:] == ["host", "LOCAL"]]
        found += [_ipv6(line.split()[0]) for line in _IPV6.read_text().splitlines()]
    except (OSError, IndexError):
        pass
    return tuple(each for each in dict.fromkeys(found) if not each.startswith("127.") and each != "::1")


def public(found: Sequence[str]) -> tuple[str, ...]:
    """Give those of these addresses that are reached from everywhere."""
    return tuple(each for each in found if ip_address(each).is_global)


def _ipv6(digits: str) -> str:
    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))


@dataclass(frozen=True, slots=True)
class Machine:
    """What is asked of the machine; a test brings its own answers."""

    now: Callable[[], datetime] = utc_now
    clock_is_set: Callable[[], bool | None] = clock_is_set
    uid: int = field(default_factory=os.geteuid)
    is_running: Callable[[Path], bool] = is_running
    try_to_bind: Callable[[Address], None] = try_to_bind
    free_bytes: Callable[[Path], int] = free_bytes
    free_inodes: Callable[[Path], int | None] = free_inodes
    descriptor_limit: Callable[[Path], int] = descriptor_limit
    own_addresses: Callable[[], Sequence[str]] = own_addresses
    services: Callable[[str, Sequence[Address]], Sequence[Service]] = services
    """The SRV records of a name, by these name servers or the system's; raises `CannotResolve`."""
    addresses: Callable[[str, Sequence[Address]], Sequence[str]] = addresses
    """The IP addresses of a name; likewise."""
    pins: Callable[[str, int, Sequence[Address]], Sequence[Pin]] = pins
    """The TLSA records of the service at a port of a host; likewise."""
    vouches: Callable[[Sequence[Address]], bool] = vouches
    """Whether these name servers, or the system's, check DNSSEC and are on this machine; likewise."""
    obstacle_to_using: Callable[[Path], Obstacle | None] = obstacle_to_using
    """Why we cannot read, enter and write in a folder."""
    fetch: Callable[[str], tuple[int, bytes]] = fetch
    """What stands at a web address: status and the first bytes; raises OSError."""
    mapped: Callable[[Server], str] = mapped
    """At which address a STUN server sees us; raises OSError, `Refused`."""
    relayed: Callable[[Server, tuple[str, str] | None], str] = relayed
    """At which address a TURN server relays for who has such credentials; likewise."""
    look: Callable[[Address, str, bool], Seen] = look
    """What a stranger sees of a domain at an address; raises OSError."""
