"""Doors to services and other servers that are not there."""

from collections.abc import Callable

from xmppd.core.domains.door import Taken
from xmppd.core.events import Traffic
from xmppd.stanza.stanza import Stanza


class FakeDoor:
    """Keeps what it is given; what *answer* says of a stanza, it says too."""

    def __init__(self, answer: Callable[[Traffic], Taken] = lambda traffic: True):
        self.traffics: list[Traffic] = []
        self.answer = answer

    @property
    def stanzas(self) -> list[Stanza]:
        """What came."""
        return [traffic.stanza for traffic in self.traffics]

    def take(self, traffic: Traffic) -> Taken:
        """Keep it."""
        self.traffics.append(traffic)
        return self.answer(traffic)
