"""How many connections each address has, over all ports together: what ``limits.connections_per_address`` is about."""


class AddressCounter:
    """Counts connections by address; an address without any is forgotten."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        """How many addresses have connections."""
        return len(self._counts)

    def __getitem__(self, address: str) -> int:
        """Give the number of connections from *address*."""
        return self._counts.get(address, 0)

    def add(self, address: str) -> None:
        """One more."""
        self._counts[address] = self._counts.get(address, 0) + 1

    def remove(self, address: str) -> None:
        """One less."""
        left = self._counts.get(address, 0) - 1
        if left > 0:
            self._counts[address] = left
        else:
            self._counts.pop(address, None)
