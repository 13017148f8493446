"""Who asks whether an account exists: the core and the services that keep something for accounts."""

from typing import NewType, Protocol

AccountMark = NewType("AccountMark", int)
"""Says how far the accounts had changed when something began. It means something to the service alone that gave it."""


class AccountDirectory(Protocol):
    """What those ask who need to know of an account only that it is there."""

    def exists(self, bare_jid: str) -> bool:
        """Whether there is such an account on this server; answers at once.

        Where a server is several processes (decision 0008): of the accounts whose home is this one.
        """
