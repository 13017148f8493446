"""How a client was told that it can authenticate; the same from its stream's features to the end of the login."""

from dataclasses import dataclass

from xmppd.services.login.authentication import Circumstances


@dataclass(frozen=True, slots=True)
class Announcement:
    """The mechanisms that a client was told of, and under which circumstances."""

    given: Circumstances
    mechanisms: tuple[str, ...]
