"""What makes an IQ: RFC 6120 8.2.3."""

from typing import Final

from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza

IQ_ANSWERS: Final = frozenset(("result", "error"))
IQ_REQUESTS: Final = frozenset(("get", "set"))
IQ_TYPES: Final = IQ_ANSWERS | IQ_REQUESTS


def check_iq(stanza: Stanza) -> None:
    """RFC 6120 8.2.3: an id, a known type, and for get and set exactly one child; `StanzaError` otherwise."""
    if stanza.type not in IQ_TYPES:
        raise StanzaError("bad-request", "An IQ needs a type of get, set, result or error")
    if stanza.id is None:
        raise StanzaError("bad-request", "An IQ needs an id")
    if stanza.type in IQ_REQUESTS and len(stanza.child_names) != 1:
        raise StanzaError("bad-request", "An IQ of type get or set has exactly one child element")
