"""Components that connect: XEP-0114 1.6, "jabber:component:accept". The stream, the connection, and who makes them.

A component has one stream, without TLS and without features: a header that names its domain, a handshake that shows
its secret, then stanzas both ways, each with the component's own domain in ``from``. Not covered: "connect", where the
server opens the connection.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.config.limits import Limits
from xmppd.core.host import Host
from xmppd.core.router import Router
from xmppd.core.session import Connection
from xmppd.core.stream import Sendable
from xmppd.core.timers import Timers
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.connection import StreamConnection
from xmppd.net.streams.header import jid_of
from xmppd.net.streams.inlet import LOST, Answer, PeerInlet
from xmppd.net.streams.keepalive import Keepalive
from xmppd.net.streams.link import GONE, Link
from xmppd.net.transport.twisted_transport import connection_of
from xmppd.services.components.components import CONFLICT, Components
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream.component_handshake import is_right
from xmppd.stream.events import ElementBegun, Event, StreamClosed, StreamOpened
from xmppd.stream.features import ElementHandler, StreamFeature, StreamKind, StreamState, handler_of
from xmppd.stream.framer import Framer
from xmppd.stream.framing import TCPFraming
from xmppd.stream.parser_pool import ParserPool

ABORT_AFTER_S: Final = 10.0
"""How long a peer that does not read may keep us from ending its connection."""
SUCCESS: Final = b"<handshake/>"


class ComponentStream(PeerInlet):
    """The stream of one component, which may speak for several domains."""

    __slots__ = (
        "_conn",
        "_host",
        "_is_ended",
        "_is_open",
        "names",
        "opened_at",
        "peer",
        "server",
        "stanzas_in",
        "stanzas_out",
        "stream_id",
    )
    kind = StreamKind.COMPONENT
    ledger = None
    """Nobody counts the stanzas of a component (XEP-0198 is for clients and servers)."""

    def __init__(self, conn: Connection, link: Link, peer: str, server: "ComponentFactory"):
        """*conn* is what it writes to; the time for the handshake begins."""
        self._conn = conn
        self._host: Host | None = None
        self._is_open = self._is_ended = False
        self.peer = peer
        self.server = server
        self.stream_id = server.new_stream_id()
        self.names: tuple[str, ...] = ()
        self.opened_at = server.now()
        self.stanzas_in = self.stanzas_out = 0
        super().__init__(link, server.timers, server.router, server.limits)

    # -- what the inlet asks ------------------------------------------------------------------------------------------

    @property
    def limits(self) -> Limits:
        """What holds for this stream: its domain's limits, the server's until that is known."""
        return self.server.limits() if self._host is None else self._host.settings.limits

    def acknowledger(self) -> None:
        """Nobody counts."""

    def handle(self, event: Event) -> Answer:
        """A stanza is routed, a header or handshake checked, an end ends."""
        if self._is_ended:
            if type(event) is StreamClosed:
                self.link.drop()
        elif type(event) is Stanza:
            return self._stanza(event)
        elif type(event) is Element:
            return self._element(event)
        elif type(event) is ElementBegun:
            self._handler(event.ns, event.name)
        elif type(event) is StreamOpened:
            self._opened(event)
        elif type(event) is StreamClosed:
            self._end(None, "closed by the component")
        else:
            assert isinstance(event, StreamError)
            self.fail(event)
        return None

    def too_late(self) -> None:
        """Whoever has not shown the secret in time is sent away; so is who does not let the connection end."""
        if self._is_ended:
            self.link.abort()
        else:
            self.fail(StreamError("connection-timeout", "No handshake came"))

    def connection_lost(self, why: str = LOST) -> None:
        """The connection is gone; what came before is still dealt with."""
        self.set_deadline(None)
        self.link = GONE
        if not self._is_ended:
            self._is_open = False
            self._leave(why)
        self.drain_and_end()

    def emptied(self) -> None:
        """All is dealt with."""

    # -- what is sent -------------------------------------------------------------------------------------------------

    @property
    def unsent_bytes(self) -> int:
        """How much of what was sent has not left yet."""
        return self._conn.unsent_bytes

    @property
    def is_authenticated(self) -> bool:
        """Whether it has shown its secret, and has not ended."""
        return bool(self.names) and self._is_open

    def send(self, x: Sendable) -> bool:
        """Write *x*; False where the stream has ended or the connection is lost."""
        if not self._is_open:
            return False
        if type(x) is Stanza:
            self.stanzas_out += 1
            self._conn.write(x.to_bytes())
        else:
            self._conn.write(_serialised(x))
        return True

    def fail(self, error: StreamError) -> None:
        """End the stream with *error* (RFC 6120 4.9), behind a header where there was none (XEP-0114 3)."""
        if self._is_ended:
            return
        if not self._is_open and self.link is not GONE:
            self._conn.write(self.server.framing.opening(self.stream_id, None, None, None))
        self._end(error, error.condition)

    def _end(self, error: StreamError | None, reason: str) -> None:
        if error is not None:
            self._conn.write(self.server.framing.error(error))
        self._conn.write(self.server.framing.closing())
        self._is_ended, self._is_open = True, False
        self.set_deadline(ABORT_AFTER_S)
        self.link.drop()
        self._leave(reason)

    def _leave(self, reason: str) -> None:
        name = "an unknown component" if self._host is None else self._host.name
        self._log.info("Stream of {name} ended: {reason}", name=name, reason=reason, **self.who)
        self.server.components.disconnected(self)

    # -- what comes ---------------------------------------------------------------------------------------------------

    def _stanza(self, stanza: Stanza) -> Answer:
        if not self.names:
            raise StreamError("not-authorized")
        self.stanzas_in += 1
        return self.server.router.service(self._domain_of(stanza)).send(stanza, self)

    def _domain_of(self, stanza: Stanza) -> str:
        """Give which of its domains a stanza is of; of another's, its first, which refuses it (invalid-from)."""
        if len(self.names) > 1:
            name = (stanza.from_ or "").partition("/")[0].rpartition("@")[2].lower()
            if name in self.names:
                return name
        return self.names[0]

    def _opened(self, header: StreamOpened) -> None:
        host = self._host = _named_in(header, self.server.components)
        self._is_open = True
        self._conn.write(self.server.framing.opening(self.stream_id, host.name, None, None))

    def _element(self, element: Element) -> Answer:
        answer = self._handler(element.ns, element.name)(self, element)
        return answer if isinstance(answer, Deferred) else None

    def _handler(self, namespace: str, name: str) -> ElementHandler["ComponentStream"]:
        """Give who handles such an element now. Raises `StreamError`, for which the name is enough (4.9.3.24)."""
        handler = handler_of(FEATURES, self.kind, self.state, namespace, name)
        if handler is None:
            raise StreamError("unsupported-stanza-type" if self.names else "not-authorized")
        return handler

    def shown(self, element: Element) -> Deferred[None] | None:
        """The handshake: the secret is right and nobody else is this service, or the stream ends.

        A wrong one is answered late, so that no secret is found by trying.
        """
        assert self._host is not None, "no handshake comes before a header"
        name = self._host.name
        if not is_right(element.text, self.stream_id, self.server.components.secret_of(name)):
            self._log.warn("A component has shown a wrong secret for {name}", name=name, **self.who)
            return self._timers.wait(self.server.limits().auth_delay_s).addCallback(_refused)
        names = self.server.components.connect(self, name)
        if names is None:
            self._log.warn("{name} is connected already, and a second one is refused", name=name, **self.who)
            raise CONFLICT
        self.names = names
        self.negotiated(HANDSHAKE)
        self.set_deadline(None)
        self.link.authenticated()
        self._conn.write(SUCCESS)
        self._log.info("Component {names} is connected", names=", ".join(names), **self.who)
        self.server.components.connected(self)
        return None

    @property
    def who(self) -> dict[str, str]:
        """The component's stream."""
        return {"stream": self.stream_id, "peer": self.peer}


HANDSHAKE: Final[StreamFeature[ComponentStream]] = StreamFeature(
    name="component handshake",
    forbids=StreamState.AUTHENTICATED,
    sets=StreamState.AUTHENTICATED,
    kinds=StreamKind.COMPONENT,
    handles={(ns.CLIENT, "handshake"): ComponentStream.shown},  # a framer calls each content namespace so
)
FEATURES: Final = (HANDSHAKE,)
"""All that is negotiated with a component; none of it is offered, since its stream has no features."""


class ComponentProtocol(StreamConnection):
    """One connection of a component."""

    factory: "ComponentFactory"
    stream: ComponentStream
    can_start_tls = False

    def __init__(self) -> None:
        super().__init__(is_direct_tls=False)

    def connectionMade(self) -> None:
        """Begin a stream."""
        factory = self.factory
        self.peer = getattr(self.transport.getPeer(), "host", "")
        self.stream = ComponentStream(connection_of(self.transport), self, self.peer, factory)
        self.framer = Framer(self.stream.element_limits, factory.parsers, ns.COMPONENT)
        self.framer.tells_begun = True
        factory.opened(self)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is gone, for whatever reason."""
        super().connectionLost(reason)
        self.factory.lost(self)

    def keep_alive(self) -> None:
        """Send a space to a component that has been silent (RFC 6120 4.6.1)."""
        if self.stream.is_authenticated:
            self.transport.write(b" ")

    def start_tls(self, host: str) -> None:
        """There is no TLS."""


class ComponentFactory(Factory):
    """Makes connections of components, not too many for an address."""

    noisy = False
    _log = Logger()

    def __init__(
        self,
        components: Components,
        router: Router,
        timers: Timers,
        limits: Callable[[], Limits],
        now: Callable[[], float],
        new_stream_id: Callable[[], str],
    ):
        """*limits* are the server's that hold now, *now* is wall time, *new_stream_id* gives unguessable text."""
        self.components = components
        self.router = router
        self.timers = timers
        self.limits = limits
        self.now = now
        self.new_stream_id = new_stream_id
        self.framing = TCPFraming(ns.COMPONENT)
        self.parsers = ParserPool()
        self.connections: dict[ComponentProtocol, None] = {}
        self.addresses = AddressCounter()
        self._waiting_for_end: dict[ComponentProtocol, Deferred[None]] = {}
        self._keepalive = Keepalive(timers, self.connections, lambda: limits().keepalive_s)

    def buildProtocol(  # type: ignore[override]  # our protocol, no other
        self, addr: IAddress | None
    ) -> ComponentProtocol | None:
        """Make the protocol of a new connection; None, which closes it, beyond the limit of its address."""
        address = getattr(addr, "host", "")
        if not self.addresses.admits(address, self.limits()):
            self._log.info("Too many connections from {peer}", peer=address)
            return None
        protocol = ComponentProtocol()
        protocol.factory = self
        return protocol

    def opened(self, protocol: ComponentProtocol) -> None:
        """A connection is there."""
        self.connections[protocol] = None
        self.addresses.add(protocol.peer)

    def lost(self, protocol: ComponentProtocol) -> None:
        """A connection is gone."""
        self.connections.pop(protocol, None)
        self.addresses.remove(protocol.peer)
        ended = self._waiting_for_end.pop(protocol, None)
        if ended is not None:
            ended.callback(None)

    def shutdown(self) -> Deferred[None]:
        """End every stream with system-shutdown; fires when the last connection is gone."""
        self._keepalive.stop()
        for protocol in list(self.connections):
            self._waiting_for_end[protocol] = Deferred()
            protocol.stream.fail(StreamError("system-shutdown"))
        return DeferredList(list(self._waiting_for_end.values())).addCallback(lambda _: None)


def _named_in(header: StreamOpened, components: Components) -> Host:
    """Give the domain that a header names; `StreamError` for one that is not a component's to us (XEP-0114 3)."""
    if header.default_ns != ns.COMPONENT:
        raise StreamError("invalid-namespace")
    to = header.attrs.get("to")
    if not to:
        raise StreamError("improper-addressing", "The stream header needs a 'to'")
    jid = jid_of(to)
    door = components.get(jid.full) if jid is not None else None
    if door is None or door.host.settings.connection_of is not None:
        raise StreamError("host-unknown")
    return door.host


def _refused(_: None) -> None:
    raise StreamError("not-authorized")


def _serialised(x: Sendable) -> bytes:
    if isinstance(x, str):
        return x.encode()
    return x if isinstance(x, bytes) else x.to_bytes() if isinstance(x, Stanza) else x.to_bytes(ns.COMPONENT)
