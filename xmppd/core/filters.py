"""What a session's filters see of what is sent: a stanza, or the bytes of what is none; and in which order."""

from enum import IntEnum

from xmppd.core.stream import Sendable
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza

STANZA_NAMES = ("message", "presence", "iq")
_TAGS = tuple(f"<{name}" for name in STANZA_NAMES)


class FilterStage(IntEnum):
    """Where a filter of `Session.send` stands: the lower, the earlier."""

    LOGIN = 0
    """Keeps what comes for a session whose client has not been told of its login (XEP-0388 2.4)."""
    WATCH = 1
    """Looks, and lets pass."""
    INACTIVE = 2
    """Holds back what can wait (XEP-0352)."""
    COUNT = 3
    """Counts what is sent, and keeps it until it is acknowledged (XEP-0198)."""


def as_filtered(x: Sendable) -> Stanza | bytes:
    """Give what filters see of *x*: a stanza however it is written, or else the bytes that are written."""
    if isinstance(x, Stanza | bytes):
        return x
    if isinstance(x, str):
        return _parsed(x) if x.startswith(_TAGS) else x.encode()
    if x.ns == CLIENT and x.name in STANZA_NAMES:
        return Stanza.from_element(x)
    return x.to_bytes(CLIENT)


def _parsed(text: str) -> Stanza | bytes:
    try:
        return Stanza.parse(text.encode())
    except ValueError:
        return text.encode()
