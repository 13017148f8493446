"""How many connections each address has, over all ports together: what ``limits.connections_per_address`` is about.

Of IPv6 a whole /64 network counts as one address.
"""

from xmppd.core.networks import network_of


class AddressCounter:
    """Counts connections by address; an address without any is forgotten."""

    __slots__ = ("_counts", "refused")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.refused = 0
        """How many connections too many there were since the start."""

    def __len__(self) -> int:
        """How many addresses have connections."""
        return len(self._counts)

    def __getitem__(self, address: str) -> int:
        """Give the number of connections from *address*."""
        return self._counts.get(network_of(address), 0)

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
