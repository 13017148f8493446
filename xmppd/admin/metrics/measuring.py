"""Finds what is measured among the parts of a server."""

import time
from collections.abc import Callable, Mapping, Sequence

from xmppd import __version__
from xmppd.admin.metrics.lag import ReactorLag
from xmppd.admin.metrics.measured import Expiring, Measured
from xmppd.core.parts import CoreParts
from xmppd.core.turns import Turns
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.c2s import C2SFactory
from xmppd.net.streams.s2s.peers import Peers
from xmppd.services.components.components import Components
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.login.authentication import Authentication
from xmppd.services.reports.reports import Reports
from xmppd.services.rooms.rooms import Rooms
from xmppd.services.stream_management.service import StreamManagement


def measured(
    core: CoreParts,
    addresses: AddressCounter,
    peers: Peers,
    clients: Sequence[C2SFactory],
    certificates: Callable[[], Mapping[str, Expiring]],
) -> Measured:
    """Give the parts whose numbers are read; the lag of the reactor is looked at from now on."""
    services = core.services
    lag = ReactorLag(core.environment.clock)
    lag.start()
    return Measured(
        version=__version__,
        started_at=time.time(),
        hosts=core.hosts,
        registry=core.registry,
        router=core.router,
        storage=core.storage,
        turns=services[Turns],
        authentication=services[Authentication],
        inbox=services[Inbox],
        stream_management=services[StreamManagement],
        reports=services[Reports],
        rooms=services[Rooms],
        components=services[Components],
        peers=peers,
        addresses=addresses,
        clients=clients,
        lag=lag,
        certificates=certificates,
    )
