"""Stanza Forwarding: XEP-0297 1.0, a stanza inside of another, as its bytes are."""

from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza

NS_FORWARD = "urn:xmpp:forward:0"
_HEAD = f"<forwarded xmlns='{NS_FORWARD}'>".encode()
_TAIL = b"</forwarded>"


def forwarded_xml(stanza: Stanza, delay: bytes = b"") -> bytes:
    """Write *stanza* into a ``<forwarded/>``, behind the *delay* that belongs to it (XEP-0203)."""
    name = stanza.name
    rest = stanza.to_bytes()[len(name) + 1 :]
    return b"".join((_HEAD, delay, f"<{name} xmlns='{CLIENT}'".encode(), rest, _TAIL))
