"""Ways back of streams that other servers have begun (XEP-0288), while no pair of domains has taken them."""

from typing import Protocol

from xmppd.services.federation.outbound import Carrier, Sender


class ReturningStream(Protocol):
    """A stream that another server has begun, and that may be used both ways."""

    ours: str
    theirs: str

    def carry_back(self, sender: Sender) -> Carrier:
        """Carry for *sender* from now on."""


class WaysBack:
    """One stream for each pair, the latest that is free."""

    def __init__(self) -> None:
        self._free: dict[tuple[str, str], ReturningStream] = {}

    def offer(self, stream: ReturningStream) -> None:
        """A stream may be taken."""
        self._free[stream.ours, stream.theirs] = stream

    def take(self, sender: Sender) -> Carrier | None:
        """Give a carrier for a pair; None where there is none.

        What an earlier one has left, and nobody can say of what has arrived, is sent again.
        """
        stream = self._free.pop((sender.ours, sender.theirs), None)
        if stream is None:
            return None
        sender.left = None
        return stream.carry_back(sender)

    def forget(self, stream: ReturningStream) -> None:
        """A stream has ended."""
        if self._free.get((stream.ours, stream.theirs)) is stream:
            del self._free[stream.ours, stream.theirs]
