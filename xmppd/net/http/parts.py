"""What the connections of HTTP share."""

from collections.abc import Callable
from dataclasses import dataclass

from xmppd.core.environment import InThread
from xmppd.core.timers import Timers
from xmppd.net.http.access_log import AccessLog
from xmppd.net.http.heads import Heads
from xmppd.net.http.idle import IdleConnections
from xmppd.net.http.site import Site


@dataclass(frozen=True, slots=True)
class HttpParts:
    """The parts of the server that a connection works with."""

    site: Site
    timers: Timers
    now: Callable[[], float]
    """Wall time in seconds since 1970."""
    in_thread: InThread
    log: AccessLog
    idle: IdleConnections

    @property
    def heads(self) -> Heads:
        """What writes the heads of responses."""
        return self.site.heads
