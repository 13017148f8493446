"""Who counts as one where addresses are counted: an IPv4 address, or a whole /64 of IPv6, which one customer has."""

import ipaddress
from collections.abc import Sequence
from typing import Final

from xmppd.config.section import Network

IPV6_NETWORK_BITS: Final = 64
MAPPED: Final = "::ffff:"
"""RFC 4291 2.5.5.2, as the system writes it."""


def network_of(address: str) -> str:
    """Give what *address* counts as; what is no address stands for itself.

    ``::ffff:192.0.2.1``, as a socket for both versions shows IPv4, is that of IPv4.
    """
    if ":" not in address:
        return address
    if address.startswith(MAPPED):
        return address.removeprefix(MAPPED)
    try:
        return str(ipaddress.ip_network(f"{address.partition('%')[0]}/{IPV6_NETWORK_BITS}", strict=False))
    except ValueError:
        return address


def is_among(address: str, networks: Sequence[Network]) -> bool:
    """Whether *address* is in one of *networks*; ``fe80::1%eth0`` is, whatever the interface. False for no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks if network.version == parsed.version)


def is_this_machine(address: str) -> bool:
    """Whether it is an address of this machine alone (127.0.0.0/8, ::1)."""
    return address.startswith(("127.", f"{MAPPED}127.")) or address in ("::1", "")
