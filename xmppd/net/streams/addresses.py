"""How many connections each address has and opens, over all ports together: ``limits.connections_per_address`` and
``limits.connections_per_minute``.

Of IPv6 a whole /64 network counts as one address. How often this machine itself connects is not limited: a proxy or a
gateway in front of the server connects for everybody.
"""

import time
from collections.abc import Callable
from typing import Final

from xmppd.config.limits import Limits
from xmppd.core.networks import is_this_machine, network_of
from xmppd.core.rate_limit import RateLimit

MINUTE_S: Final = 60.0


class AddressCounter:
    """Counts connections by address; an address without any is forgotten, those of the last minute are not."""

    __slots__ = ("_counts", "_opened", "refused")

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """*seconds* is any clock."""
        self._counts: dict[str, int] = {}
        self._opened = RateLimit(seconds, lambda: MINUTE_S)
        self.refused = 0
        """How many connections too many there were since the start."""

    def __len__(self) -> int:
        """How many addresses have connections."""
        return len(self._counts)

    def __getitem__(self, address: str) -> int:
        """Give the number of connections from *address*."""
        return self._counts.get(network_of(address), 0)

    def admits(self, address: str, limits: Limits) -> bool:
        """Whether *address* may open another connection now; counts it, or that it was refused."""
        is_admitted = self[address] < limits.connections_per_address and (
            is_this_machine(address) or self._opened.take(address, limits.connections_per_minute)
        )
        self.refused += not is_admitted
        return is_admitted

    def add(self, address: str) -> None:
        """One more."""
        key = network_of(address)
        self._counts[key] = self._counts.get(key, 0) + 1

    def remove(self, address: str) -> None:
        """One less."""
        key = network_of(address)
        left = self._counts.get(key, 0) - 1
        if left > 0:
            self._counts[key] = left
        else:
            self._counts.pop(key, None)
