"""What one first-level element may be, before authentication and after it: the section ``[limits]`` for a framer."""

from functools import lru_cache
from typing import Final

from xmppd.config.limits import Limits
from xmppd.stream.limits import StreamLimits
from xmppd.stream.sasl.steps import encoded_bytes

KEPT: Final = 16
"""Different limits that are in use at a time: two of the server, two of each host that has its own."""


def unauthenticated_limits(limits: Limits, token_bytes: int = 0) -> StreamLimits:
    """Give what holds before authentication, where clients may show a token of so many bytes."""
    most = limits.unauthenticated_stanza_bytes
    if token_bytes:
        most += encoded_bytes(token_bytes)
    return _shared(most, limits.unauthenticated_depth, limits.unauthenticated_elements, most)


def authenticated_limits(limits: Limits) -> StreamLimits:
    """Give what holds after it."""
    return _shared(limits.stanza_bytes, limits.stanza_depth, limits.stanza_elements, limits.tag_bytes)


@lru_cache(maxsize=KEPT)
def _shared(stanza_bytes: int, depth: int, elements: int, tag_bytes: int) -> StreamLimits:
    """One object for all streams that have the same."""
    return StreamLimits(stanza_bytes, depth, elements, tag_bytes)
