"""Who asks whether an account exists: the core and the services that keep something for accounts."""

from typing import Protocol


class AccountDirectory(Protocol):
    """What those ask who need to know of an account only that it is there."""

    def exists(self, bare_jid: str) -> bool:
        """Whether there is such an account on this server; answers at once."""
