"""The roles by which rights are given; see `xmppd.core.roles`."""

from enum import IntEnum


class Role(IntEnum):
    """In the order of their rights."""

    GUEST = 0
    """Anybody: accounts of other servers, and who logs in without an account (SASL ANONYMOUS)."""
    REGISTERED = 1
    """Who has an account."""
    MEMBER = 2
    """Who has an account and is trusted with more (``members``)."""
    ADMIN = 3
    """Who administers the domain (``admins`` of its table)."""
    OPERATOR = 4
    """Who administers the server (``admins`` at the top of the file), and whoever reaches the control socket."""

    @property
    def word(self) -> str:
        """How it is written."""
        return self.name.lower()
