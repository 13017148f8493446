"""What has happened between this server and others since it was started, in numbers."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Each only grows."""

    sent: int = 0
    """Stanzas that left."""
    received: int = 0
    """Stanzas that came."""
    bounced: int = 0
    """Stanzas that went back to their senders."""
    attempts: int = 0
    """Searches for a stream."""
    opened: int = 0
    """Streams found."""
    failures: int = 0
    """Searches without one, and streams that broke at once."""
    accepted: int = 0
    """Connections of other servers."""
    slowed: int = 0
    """Times that a server sent more at a time than it may, and was read more slowly."""
    refused: int = 0
    """Those that were closed before they had proved who they are."""
