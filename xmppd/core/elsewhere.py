"""Who may be asked whether a client is who it says, where this server does not know: the seam to those who do.

And web servers that keep something for this one.
"""

from collections.abc import Callable
from typing import Protocol


class Unavailable(Exception):
    """Nobody can say now; the text is for the log."""


AskWeb = Callable[[str, str], int]
"""Sends a request without a body, by its method and address, and gives the status of the answer.

Waits, in a thread, for a few seconds at most; `Unavailable` where nothing comes back."""


def nobody(method: str, url: str) -> int:
    """There is no web outside."""
    raise Unavailable("This server asks no other")


class Backend(Protocol):
    """Who is asked. Both calls block, in a thread, as long as their settings allow, and raise `Unavailable`."""

    def is_right(self, user: str, host: str, password: str) -> bool:
        """Whether this is the password of *user*, a localpart."""

    def whose(self, token: str) -> str | None:
        """Whose token this is: a localpart, or a bare JID; None where it is no good."""
