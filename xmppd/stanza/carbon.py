"""A message within another, for the other clients of an account: XEP-0280 7, 8, with XEP-0297 inside."""

from typing import Final

from xmppd.stanza.forward import forwarded_xml
from xmppd.stanza.kinds import NS_CARBONS as NS
from xmppd.stanza.layout import ChildName
from xmppd.stanza.stanza import Stanza

SENT: Final[ChildName] = (NS, "sent")
RECEIVED: Final[ChildName] = (NS, "received")
COPIES: Final = frozenset((SENT, RECEIVED))


def carbon_inner(stanza: Stanza, name: ChildName) -> bytes:
    """Write what is inside of a copy of *stanza*, the same for all who get one; *name* is `SENT` or `RECEIVED`."""
    element = name[1]
    return b"".join((f"<{element} xmlns='{NS}'>".encode(), forwarded_xml(stanza), f"</{element}>".encode()))


def carbon(stanza: Stanza, name: ChildName, bare: str, to: str | None, inner: bytes | None = None) -> Stanza:
    """Give the copy of *stanza* for the client *to* of the account *bare*; *inner* where it is written already."""
    if inner is None:
        inner = carbon_inner(stanza, name)
    return Stanza("message", to, bare, None, stanza.type, None, "", inner, (name,))
