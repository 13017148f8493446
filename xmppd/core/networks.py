"""Who counts as one where addresses are counted: an IPv4 address, or a whole /64 of IPv6, which one customer has."""

import ipaddress
from typing import Final

IPV6_NETWORK_BITS: Final = 64


def network_of(address: str) -> str:
    """Give what *address* counts as; what is no address stands for itself."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network(f"{address.partition('%')[0]}/{IPV6_NETWORK_BITS}", strict=False))
    except ValueError:
        return address
