"""Puts together what a server has for other servers: streams both ways, and the queues behind them."""

from collections.abc import Callable, Collection
from random import Random

from twisted.internet.defer import Deferred

from xmppd.core.ids import Ids
from xmppd.core.parts import CoreParts
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.s2s.connector import Connector
from xmppd.net.streams.s2s.factory import PeerConnections, S2SFactory
from xmppd.net.streams.s2s.parts import PeerTLS, S2SParts
from xmppd.net.streams.s2s.proving import dialback_secret
from xmppd.net.streams.s2s.records import Records
from xmppd.net.streams.s2s.ways_back import WaysBack
from xmppd.services.federation.federation import Federation
from xmppd.stream.dialback import Dialback


class Peers:
    """Everything that is connected to other servers."""

    def __init__(
        self,
        core: CoreParts,
        addresses: AddressCounter,
        tls: PeerTLS | None,
        own: Collection[tuple[str, int]] = (),
    ):
        """*addresses* counts all that accept; *own* are the addresses where other servers find this one."""
        environment, current = core.environment, core.current
        self.federation = core.services[Federation]
        self.parts = S2SParts(
            router=core.router,
            hosts=core.hosts,
            timers=core.timers,
            limits=lambda: current.limits,
            settings=lambda: current.config.s2s,
            new_stream_id=Ids(environment.random_text).next,
            now=environment.now,
            secret=dialback_secret(environment.secret),
            tls=tls,
            verify=self._verify,
            federation=self.federation,
            ways_back=WaysBack(),
            records=Records(lambda: current.config.s2s, environment.resolve),
        )
        self.connections = PeerConnections(self.parts)
        self._addresses = addresses
        random: Callable[[], float] = Random(environment.random_text(8)).random
        self.connector = Connector(
            self.parts, self.connections, environment.resolve, environment.dial, random, own
        )

    def _verify(self, request: Dialback, stream_id: str) -> Deferred[bool]:
        return self.connector.verify(request, stream_id)

    def start(self) -> None:
        """Take stanzas for other servers from now on."""
        self.federation.start(self.connector.open, self.connections.connected)

    def shutdown(self) -> Deferred[None]:
        """Take nothing more, and end every stream; fires when the last connection is gone."""
        self.federation.stop()
        ended = self.connections.shutdown()
        return ended.addCallback(lambda _: self.federation.rows.flush())  # with the last of what has arrived

    def factory(self, *, is_direct_tls: bool = False) -> S2SFactory:
        """Give what makes the connections of servers that come in."""
        return S2SFactory(self.parts, self.connections, self._addresses, is_direct_tls=is_direct_tls)
