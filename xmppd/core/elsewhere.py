"""Who may be asked whether a client is who it says, where this server does not know: the seam to those who do."""

from typing import Protocol


class Unavailable(Exception):
    """Nobody can say now; the text is for the log."""


class Backend(Protocol):
    """Who is asked. Both calls block, in a thread, as long as their settings allow, and raise `Unavailable`."""

    def is_right(self, user: str, host: str, password: str) -> bool:
        """Whether this is the password of *user*, a localpart."""

    def whose(self, token: str) -> str | None:
        """Whose token this is: a localpart, or a bare JID; None where it is no good."""
