"""What is measured: the parts of a running server, and its sessions, which are counted when somebody asks."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from xmppd.admin.metrics.lag import ReactorLag
from xmppd.core.host import Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.turns import EXAMINED, Turns
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.c2s import C2SFactory
from xmppd.net.streams.s2s.peers import Peers
from xmppd.services.components.components import Components
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.login.authentication import Authentication
from xmppd.services.reports.reports import Reports
from xmppd.services.rooms.rooms import Rooms
from xmppd.services.stream_management.service import StreamManagement
from xmppd.storage.interface import Storage

AT_A_TIME = 16
"""So many sessions are looked at in one step."""


class Expiring(Protocol):
    """What ends one day."""

    @property
    def expires_at(self) -> datetime:
        """When that is; aware UTC."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The parts whose numbers are read."""

    version: str
    started_at: float
    """Wall time in seconds."""
    hosts: Hosts
    registry: SessionRegistry
    router: Router
    storage: Storage
    turns: Turns
    authentication: Authentication
    inbox: Inbox
    stream_management: StreamManagement
    reports: Reports
    rooms: Rooms
    components: Components
    peers: Peers
    addresses: AddressCounter
    clients: Sequence[C2SFactory]
    """Who makes the connections of clients."""
    lag: ReactorLag
    certificates: Callable[[], Mapping[str, Expiring]]
    """Gives by domain its certificate."""


@dataclass(slots=True)
class Sessions:
    """How many sessions there are, by host, state and carrier."""

    counts: Counter[tuple[str, str, str]]

    def count(self, sessions: Sequence[Session]) -> Iterator[int]:
        """Look at all *sessions*, in steps for `Turns`."""
        for start in range(0, len(sessions), AT_A_TIME):
            for session in sessions[start : start + AT_A_TIME]:
                carrier = "" if session.conn is None else session.framing.carrier
                self.counts[session.host or "", _state(session), carrier] += 1
            yield EXAMINED * AT_A_TIME


def _state(session: Session) -> str:
    if session.conn is None:
        return "hibernating"
    return "available" if session.is_available else "connected"
