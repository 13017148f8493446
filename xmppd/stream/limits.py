"""How big a first-level element of a stream may be; checked while it is being parsed."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bounds of one first-level element: its bytes, its levels, its elements, and the bytes of one tag.

    RFC 6120 13.12 asks for at least 10,000 bytes. The element itself is the first level and counts.
    """

    stanza_bytes: int = 262_144
    depth: int = 256
    elements: int = 10_000
    tag_bytes: int = 65_536


PRE_AUTH: Final = StreamLimits(10_000, 16, 32, 10_000)
"""What an entity may send before it has authenticated."""
