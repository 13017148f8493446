"""Where peers come in: the addresses of the configuration, bound first, and what stands behind them later.

`KINDS` is the table of all kinds of ports; another kind is a line of it. All listeners share one guard of the file
descriptors, whatever their kind.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.interfaces import IProtocolFactory

from xmppd.config.limits import Limits
from xmppd.config.model import Config
from xmppd.config.section import Address, Network
from xmppd.net.tls.incoming import ConnectionCreator
from xmppd.net.transport.choice import serve
from xmppd.net.transport.flush import FlushQueue
from xmppd.net.transport.inherited import Inherited
from xmppd.net.transport.listen import (
    DescriptorShortage,
    Listener,
    ListenError,
    OnAccept,
    PeerAddress,
    StockAcceptor,
    address_of,
    bind_all,
)
from xmppd.net.transport.output import TransportLimits
from xmppd.net.transport.proxied import ProxiedAcceptor


@dataclass(frozen=True, slots=True)
class PortKind:
    """A kind of port: the option with its addresses, and what a banner calls it."""

    section: str
    option: str
    label: str
    addresses: Callable[[Config], Sequence[Address]] | None = None
    """What gives the addresses that hold; None: the option as it is."""
    is_of_operators: bool = False
    """Whether it is there before anybody else is let in, and until the very end."""

    def proxies(self, config: Config) -> Sequence[Network]:
        """Give the balancers whose word on the client's address is taken at such a port."""
        found: Sequence[Network] = getattr(getattr(config, self.section), "proxy_protocol_from", ())
        return found

    def listeners(self, config: Config) -> Sequence[Address]:
        """Give the addresses that hold."""
        if self.addresses is not None:
            return self.addresses(config)
        found: Sequence[Address] = getattr(getattr(config, self.section), self.option)
        return found

    @property
    def name(self) -> str:
        """The option, as an operator writes it."""
        return f"{self.section}.{self.option}"


C2S: Final = PortKind("c2s", "listen", "STARTTLS")
C2S_DIRECT_TLS: Final = PortKind("c2s", "direct_tls_listen", "TLS")
COMPONENT: Final = PortKind("components", "listen", "component", lambda config: config.component_listeners)
S2S: Final = PortKind("s2s", "listen", "servers, STARTTLS", lambda config: config.s2s_listeners("listen"))
S2S_DIRECT_TLS: Final = PortKind(
    "s2s", "direct_tls_listen", "servers, TLS", lambda config: config.s2s_listeners("direct_tls_listen")
)
HTTP: Final = PortKind("http", "listen", "HTTP")
HTTPS: Final = PortKind("http", "tls_listen", "HTTPS")
METRICS: Final = PortKind("metrics", "listen", "metrics", is_of_operators=True)
BYTESTREAMS: Final = PortKind(
    "bytestreams", "listen", "file transfers", lambda config: config.bytestreams_listeners
)
KINDS: Final = (C2S, C2S_DIRECT_TLS, S2S, S2S_DIRECT_TLS, HTTP, HTTPS, COMPONENT, BYTESTREAMS, METRICS)


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the ports of a kind: who makes the protocols, and TLS where it comes before the first byte."""

    factory: IProtocolFactory
    tls: ConnectionCreator | None = None


class Ports:
    """The bound sockets of every kind."""

    def __init__(
        self, config: Config, kinds: tuple[PortKind, ...] = KINDS, inherited: Inherited | None = None
    ) -> None:
        """Bind them all, or none: raises `ListenError`. ::1 may be missing where nobody has asked for it.

        A kind of which some were *inherited*, under the name of its option, has those and no others.
        """
        inherited = {} if inherited is None else inherited
        unknown = inherited.keys() - {kind.name for kind in kinds}
        if unknown:
            raise ListenError(
                f"a socket that was handed over has the name {min(unknown)}: "
                f"FileDescriptorName= is one of {', '.join(kind.name for kind in kinds)}"
            )
        self._is_stock = config.net.transport == "twisted"
        self._config = config
        self._sockets: dict[PortKind, list[socket.socket]] = {}
        self._shortage: DescriptorShortage | None = None
        try:
            for kind in kinds:
                self._sockets[kind] = inherited.get(kind.name) or _bind(config, kind)
        except BaseException:
            self.close()
            raise

    def addresses(self, *kinds: PortKind) -> list[tuple[str, int]]:
        """Give the addresses and ports where these kinds of peers are awaited."""
        bound = (sock.getsockname() for kind in kinds for sock in self._sockets.get(kind, ()))
        return [(name[0], name[1]) for name in bound]

    def close(self) -> None:
        """Give the ports up before anybody has listened."""
        for sockets in self._sockets.values():
            for sock in sockets:
                sock.close()

    def describe(self) -> list[str]:
        """Say where peers are awaited, as ``127.0.0.1:5222 (STARTTLS)``."""
        return [
            f"{address_of(sock)} ({kind.label})"
            for kind, sockets in self._sockets.items()
            for sock in sockets
        ]

    def listeners(
        self,
        reactor: Any,
        limit: int,
        behind: Mapping[PortKind, Behind],
        limits: Callable[[], Limits],
        *,
        of_operators: bool = False,
    ) -> list[Listener]:
        """Give a listener for each socket for peers, or for each of operators.

        *limit* is the number of file descriptors that there may be.

        *behind* names what stands behind each kind that has ports, *limits* gives what holds for a connection that
        comes now.
        """
        shortage = self._shortage = self._shortage or DescriptorShortage(reactor, limit)
        listeners = []
        for kind, sockets in self._sockets.items():
            if sockets and kind.is_of_operators is of_operators:
                accept = self._acceptor(reactor, behind[kind], limits)
                proxies = kind.proxies(self._config)
                if proxies:
                    front = ProxiedAcceptor(
                        accept, reactor, proxies, lambda: limits().unauthenticated_timeout_s
                    )
                    listeners += [Listener(sock, reactor, front, shortage, front.stop) for sock in sockets]
                else:
                    listeners += [Listener(sock, reactor, accept, shortage) for sock in sockets]
        return listeners

    def _acceptor(self, reactor: Any, behind: Behind, limits: Callable[[], Limits]) -> OnAccept:
        if self._is_stock:
            return StockAcceptor(behind.factory, reactor, behind.tls, lambda: limits().send_buffer_bytes)
        return OwnAcceptor(behind.factory, reactor, behind.tls, limits)


def _bind(config: Config, kind: PortKind) -> list[socket.socket]:
    is_default = not config.source.has((kind.section, kind.option))
    return bind_all(kind.listeners(config), kind.name, is_ipv6_optional=is_default)


class OwnAcceptor:
    """Gives accepted sockets to our own transport; output leaves once a turn, which our own reactor knows best."""

    def __init__(
        self,
        factory: IProtocolFactory,
        reactor: Any,
        creator: ConnectionCreator | None,
        limits: Callable[[], Limits],
    ) -> None:
        """With *creator* TLS comes before the first byte (direct TLS)."""
        self._factory = factory
        self._reactor = reactor
        self._creator = creator
        self._queue: FlushQueue = getattr(reactor, "flush_queue", None) or FlushQueue(reactor)
        self._limits = limits
        self._limits_seen: Limits | None = None
        self._transport_limits = TransportLimits()

    def __call__(self, sock: socket.socket, peer: PeerAddress) -> None:
        """Connect a protocol to *sock*; one that the factory does not want is closed."""
        limits = self._limits()
        if limits is not self._limits_seen:  # all connections share what has not changed since
            self._limits_seen = limits
            self._transport_limits = TransportLimits(
                write_buffer_bytes=limits.send_buffer_bytes, close_timeout_s=limits.close_timeout_s
            )
        serve(
            sock,
            peer,
            self._factory,
            self._reactor,
            self._queue,
            tls=self._creator,
            limits=self._transport_limits,
        )
