"""The door of a component's domain, whether the component is connected or not (XEP-0114).

======================  =========================================================================
what comes              where the component is not connected
======================  =========================================================================
an IQ get or set        service-unavailable, "wait": the domain exists, and its service may come back
a message               kept with ``queue = true`` where it is durable, else as an IQ; headlines and errors are dropped
presence, IQ answers    dropped
======================  =========================================================================

With ``queue = true`` durable messages for one that is connected are kept as well, until it has read them.

RFC 6120 8.3.3.19 it is, and not remote-server-not-found (8.3.3.16), which is for domains that cannot be found at all,
nor remote-server-timeout, which is for servers: nobody is asked and waited for.
"""

from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.defer import Deferred

from xmppd.core.delivery import Otherwise, rule_of
from xmppd.core.domains.door import Taken
from xmppd.core.events import Traffic
from xmppd.core.host import Host
from xmppd.core.iq import IQ_REQUESTS
from xmppd.core.timers import Timers
from xmppd.core.waiting import spawn
from xmppd.services.components.queue import ComponentQueue
from xmppd.services.components.reading import Reading
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.kinds import is_durable
from xmppd.stanza.stanza import Stanza

NOT_THERE: Final = "This service is not connected now"


class ComponentStream(Protocol):
    """The stream of a component that has shown its secret."""

    peer: str
    """Its address."""
    opened_at: float
    """When it was accepted; wall time in seconds since 1970."""
    stanzas_in: int
    """How many stanzas came."""
    stanzas_out: int
    """How many were written."""
    names: tuple[str, ...]
    """Its domains, the one of its header first."""

    @property
    def unsent_bytes(self) -> int:
        """How much of what was sent has not left yet."""

    def send(self, x: Stanza) -> bool:
        """Write a stanza; False where the stream has ended."""

    def fail(self, error: StreamError) -> None:
        """End the stream with *error*."""


class ComponentDoor:
    """Takes what comes for the domain of one component."""

    def __init__(
        self, host: Host, queue: ComponentQueue, ping: Callable[[str], Deferred[Stanza]], timers: Timers
    ):
        """*ping* asks a (prepared) name whether it is there (XEP-0199)."""
        self.host = host
        self.queue = queue
        self._ping = ping
        self._timers = timers
        self._reading: Reading | None = None
        self.stream: ComponentStream | None = None
        """None while the component is not connected; changed by `Components` alone."""
        self._is_behind = False
        """Whether older messages are still being given."""

    def take(self, traffic: Traffic) -> Taken:
        """Write a stanza to the component, or keep it; see `xmppd.core.domains.door.Door`."""
        stream, stanza = self.stream, traffic.stanza
        if stanza.name == "message" and self.host.settings.queue and is_durable(stanza):
            if self._reading is None or self._is_behind:
                return self.queue.keep(traffic)
            return self.queue.write(traffic, self._reading)
        if stream is not None:
            return stream.send(stanza)
        if _is_awaited(traffic):
            raise StanzaError("service-unavailable", NOT_THERE, type="wait")
        return False

    def connected(self, stream: ComponentStream) -> None:
        """Let *stream* take what comes, behind what waits."""
        self.stream = stream
        self._is_behind = True
        reading = self._reading = Reading(
            stream,
            lambda: self.stream is stream,
            lambda: self._ping(self.host.name),
            self.queue.read,
            self._timers,
        )
        given = self.queue.give(reading)
        spawn("what waits for a component", given).addCallback(lambda _: self._caught_up(stream))

    def disconnected(self, stream: ComponentStream) -> None:
        """*stream* is gone; harmless where another has taken its place."""
        if self.stream is stream:
            self.stream = self._reading = None

    def _caught_up(self, stream: ComponentStream) -> None:
        if self.stream is stream:
            self._is_behind = False


def _is_awaited(traffic: Traffic) -> bool:
    """Whether the sender must hear that nobody takes a stanza."""
    if traffic.stanza.name == "message":
        return rule_of(traffic.stanza, traffic.target).otherwise is not Otherwise.DROP
    return traffic.stanza.type in IQ_REQUESTS
