"""Where clients come in: the addresses of ``[c2s]``, bound first, and what stands behind them later."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.interfaces import IProtocolFactory

from xmppd.config.limits import Limits
from xmppd.config.model import Config
from xmppd.net.tls.contexts import ConnectionCreator, ServerTLS
from xmppd.net.transport.choice import serve
from xmppd.net.transport.flush import FlushQueue
from xmppd.net.transport.listen import (
    DescriptorShortage,
    Listener,
    OnAccept,
    PeerAddress,
    StockAcceptor,
    address_of,
    bind_all,
)
from xmppd.net.transport.output import TransportLimits


class ClientPorts:
    """The bound sockets of both kinds, STARTTLS and direct TLS."""

    def __init__(self, config: Config) -> None:
        """Bind them all, or none: raises `ListenError`. ::1 may be missing where nobody has asked for it."""
        self._config = config
        self._starttls = self._bind("listen")
        try:
            self._direct = self._bind("direct_tls_listen")
        except BaseException:
            self.close()
            raise

    def _bind(self, name: str) -> list[socket.socket]:
        is_default = not self._config.source.has(("c2s", name))
        return bind_all(getattr(self._config.c2s, name), f"c2s.{name}", is_ipv6_optional=is_default)

    def close(self) -> None:
        """Give the ports up before anybody has listened."""
        for sock in self._starttls:
            sock.close()

    def describe(self) -> list[str]:
        """Say where clients are awaited, as ``127.0.0.1:5222 (STARTTLS)``."""
        return [*_described(self._starttls, "STARTTLS"), *_described(self._direct, "TLS")]

    def listeners(
        self,
        reactor: Any,
        limit: int,
        tls: ServerTLS,
        starttls: IProtocolFactory,
        direct: IProtocolFactory,
        limits: Callable[[], Limits],
    ) -> list[Listener]:
        """Give a listener for each socket; *limit* is the number of file descriptors that there may be.

        *limits* gives what holds for a connection that comes now.
        """
        shortage = DescriptorShortage(reactor, limit)
        plain = self._acceptor(reactor, starttls, None, limits)
        secured = self._acceptor(reactor, direct, tls.creator_for(None), limits)
        return [
            *(Listener(sock, reactor, plain, shortage) for sock in self._starttls),
            *(Listener(sock, reactor, secured, shortage) for sock in self._direct),
        ]

    def _acceptor(
        self,
        reactor: Any,
        factory: IProtocolFactory,
        creator: ConnectionCreator | None,
        limits: Callable[[], Limits],
    ) -> OnAccept:
        if self._config.net.transport == "twisted":
            return StockAcceptor(factory, reactor, creator, lambda: limits().send_buffer_bytes)
        return OwnAcceptor(factory, reactor, creator, limits)


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


def _described(sockets: list[socket.socket], kind: str) -> Iterator[str]:
    return (f"{address_of(sock)} ({kind})" for sock in sockets)
