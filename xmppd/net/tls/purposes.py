"""What a connection under TLS is for; each purpose has contexts of its own, so that none trusts for another."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Trust(Enum):
    """Whose certificates are believed; no peer without one is turned away by TLS itself."""

    NOBODY = "nobody"
    """No certificate is asked for."""
    CLIENT_ISSUERS = "client issuers"
    """Those that a host names for its clients; where it names none, no certificate is asked for."""
    AUTHORITIES = "authorities"
    """The public ones of this system, or those that the configuration names in their place."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What is negotiated for a purpose, and who is believed."""

    name: str
    alpn: tuple[bytes, ...]
    """What direct TLS insists on where the peer offers protocols (RFC 7301)."""
    trust: Trust

    @property
    def session_id(self) -> bytes:
        """The session id context (RFC 5077): without one, verification makes every resumed handshake fatal.

        A session that was begun for one purpose is nothing to another.
        """
        return f"xmppd {self.name}".encode()


C2S: Final = Purpose("c2s", (b"xmpp-client",), Trust.CLIENT_ISSUERS)
"""Clients that come in: XEP-0368 2, XEP-0178 2."""
S2S_IN: Final = Purpose("s2s in", (b"xmpp-server",), Trust.AUTHORITIES)
"""Servers that come in: XEP-0368 2, XEP-0178 3."""
S2S_OUT: Final = Purpose("s2s out", (b"xmpp-server",), Trust.AUTHORITIES)
"""Servers that we go to."""
HTTP: Final = Purpose("http", (b"http/1.1",), Trust.NOBODY)
