"""Doors to services and other servers that are not there."""

from collections.abc import Callable

from xmppd.core.domains.door import Taken
from xmppd.core.domains.service import ServiceDomain
from xmppd.core.events import Traffic
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change


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


class FakeInlet:
    """The stream of another server or a component, which keeps what it is told."""

    def __init__(self) -> None:
        self.ledger = FakeLedger()


class FakeLedger:
    """Counts nothing, and keeps what it is told."""

    is_over = False

    def __init__(self) -> None:
        self.routed: list[int] = []
        """How many changes each stanza had."""

    def routing(self, changes: list[Change]) -> None:
        """A stanza is routed."""
        self.routed.append(len(changes))

    def handled(self, is_waiting: bool) -> None:
        """A stanza is dealt with."""

    def decided(self, is_kept: bool) -> None:
        """A commit is decided."""


class EchoService:
    """A service in this process that sends each message back to whoever sent it."""

    def __init__(self, domain: ServiceDomain):
        self.domain = domain
        domain.open(self)

    def take(self, traffic: Traffic) -> bool:
        """Send a message back; take nothing else."""
        stanza = traffic.stanza
        if stanza.name == "message":
            self.domain.send(echo_of(stanza))
        return stanza.name == "message"


class Component:
    """A component behind a stream: what it gets is bytes, and so is what it sends."""

    def __init__(self, domain: ServiceDomain, program: Callable[[Stanza], Stanza | None]):
        """*program* gets each stanza, and what it gives is sent."""
        self.domain = domain
        self.program = program
        self.ledger = None
        domain.open(self)

    def take(self, traffic: Traffic) -> bool:
        """Write the stanza to the program, and read what it answers."""
        answer = self.program(Stanza.parse(traffic.stanza.to_bytes()))
        if answer is not None:
            self.send(answer)
        return True

    def send(self, stanza: Stanza) -> None:
        """Let the program send *stanza*."""
        self.domain.send(Stanza.parse(stanza.to_bytes()), self)


def echo_of(stanza: Stanza) -> Stanza:
    """Give a message to its sender from whom it was for."""
    return stanza.replace(from_=stanza.to, to=stanza.from_)
