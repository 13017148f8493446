"""What the streams of servers work with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred

from xmppd.config.limits import Limits
from xmppd.config.s2s import S2s
from xmppd.core.host import Hosts
from xmppd.core.router import Router
from xmppd.core.timers import Timers
from xmppd.net.streams.s2s.records import Records
from xmppd.net.streams.s2s.ways_back import WaysBack
from xmppd.net.tls.dane import Pinned
from xmppd.net.tls.peers import HasHandle, Shown
from xmppd.services.federation.federation import Federation
from xmppd.stream.dialback import Dialback


class PeerTLS(Protocol):
    """What a connection between servers asks of TLS."""

    def creator_in(self, ours: str | None, theirs: str | None) -> object:
        """Give what ``startTLS`` takes of a connection that came in; None where a name is not known yet."""

    def creator_out(self, ours: str, theirs: str, *, is_direct: bool, pinned: Pinned | None = None) -> object:
        """Give what ``startTLS`` takes of a connection that goes out; *pinned* is what DNS says of its certificate."""

    def covers(self, transport: HasHandle, domain: str) -> bool:
        """Whether the peer's certificate is believed and covers *domain* (RFC 9525, XEP-0178)."""

    def is_as_pinned(self, transport: HasHandle, pinned: Pinned) -> bool:
        """Whether the peer's certificate is what DNS says at one target (RFC 7673 4)."""

    def shown(self, transport: HasHandle) -> Shown | None:
        """Give the peer's certificate."""


Verify = Callable[[Dialback, str], Deferred[bool]]
"""Asks the server of a domain whether a dialback key is its own (XEP-0220 2.1.2); given the request and our stream's
id. Fails with `xmppd.services.federation.outbound.Unreachable`."""


@dataclass(slots=True)
class S2SParts:
    """What a stream of a server works with."""

    router: Router
    hosts: Hosts
    timers: Timers
    limits: Callable[[], Limits]
    settings: Callable[[], S2s]
    new_stream_id: Callable[[], str]
    now: Callable[[], float]
    """Wall time in seconds since 1970."""
    secret: bytes
    """What dialback keys are made of."""
    tls: PeerTLS | None
    verify: Verify
    federation: Federation
    ways_back: WaysBack
    records: Records
    """What DNS says of the certificates of those who come in."""
