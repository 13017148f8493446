"""How much of a stream is handled and not on disk yet: `uncommitted_stanzas` and `uncommitted_bytes` bound it."""

from xmppd.core.config.limits import Limits


class Uncommitted:
    """Stanzas of one stream that wait for their commits."""

    __slots__ = ("is_full", "size_bytes", "stanzas")

    def __init__(self) -> None:
        self.stanzas = 0
        self.size_bytes = 0
        self.is_full = False
        """Whether the stream takes nothing more until `has_room`."""

    def add(self, size_bytes: int) -> None:
        """One more waits."""
        self.stanzas += 1
        self.size_bytes += size_bytes

    def remove(self, size_bytes: int) -> None:
        """One waits no longer."""
        self.stanzas -= 1
        self.size_bytes -= size_bytes

    def fills(self, limits: Limits) -> bool:
        """Whether that is as much as may wait."""
        self.is_full = (
            self.stanzas >= limits.uncommitted_stanzas or self.size_bytes >= limits.uncommitted_bytes
        )
        return self.is_full

    def has_room(self, limits: Limits) -> bool:
        """Whether a stream that was full may go on: when half of it is gone."""
        self.is_full = (
            self.stanzas > limits.uncommitted_stanzas // 2 or self.size_bytes > limits.uncommitted_bytes // 2
        )
        return not self.is_full
