"""Ports that Twisted's own reactor accepts from."""

import socket
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IHandshakeListener, ISSLTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from tests.net.tls.authority import NOW, Authority, client_context
from tests.temporary import temporary_folder
from xmppd.config.section import Address
from xmppd.net.tls.certificates import CertificateStore
from xmppd.net.tls.incoming import ServerTLS
from xmppd.net.tls.peers import channel_bindings
from xmppd.net.transport.listen import DescriptorShortage, Listener, StockAcceptor, bind


@implementer(IHandshakeListener)
class Greeter(Protocol):
    """Says who it is, and TLS or not, and ends; under TLS it looks at the connection while that is there."""

    look: Callable[[Any], None] = staticmethod(lambda transport: None)

    def handshakeCompleted(self) -> None:
        """Look at the connection."""
        self.look(self.transport)

    def connectionMade(self) -> None:
        """Greet."""
        self.greet()

    def greet(self) -> None:
        """The greeting, and the end."""
        assert self.transport is not None
        kind = b"tls" if ISSLTransport.providedBy(self.transport) else b"plain"
        self.transport.write(b"hello over " + kind)
        self.transport.loseConnection()

    def connectionLost(self, reason: object = None) -> None:
        """Tell the test."""
        factory = self.factory
        assert isinstance(factory, GreeterFactory)
        factory.ended.callback(self)


class GreeterFactory(Factory):
    """Greets everybody, or nobody."""

    noisy = False
    look: Callable[[Any], None] = staticmethod(lambda transport: None)

    def __init__(self, is_open: bool = True) -> None:
        self.is_open = is_open
        self.ended: Deferred[Greeter] = Deferred()
        self.peers: list[IAddress] = []

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Note the peer."""
        assert addr is not None
        self.peers.append(addr)
        greeter = Greeter()
        greeter.factory = self
        greeter.look = self.look
        return greeter if self.is_open else None


class StockAcceptorTests(TestCase):
    """Twisted's own transports over real sockets."""

    def listen(self, factory: Factory, creator: Any = None, host: str = "127.0.0.1") -> Listener:
        """Listen on a free port until the test is over."""
        reactor: Any = global_reactor
        acceptor = StockAcceptor(factory, reactor, creator)
        listener = Listener(bind(Address(host, 0)), reactor, acceptor, DescriptorShortage(reactor, 1_000_000))
        listener.startService()
        self.addCleanup(listener.stopService)
        return listener

    async def test_plain(self) -> None:
        """A connection gets a protocol of the factory, with the peer's address, over either version of IP."""
        for host in ("127.0.0.1", "::1"):
            factory = GreeterFactory()
            listener = self.listen(factory, host=host)
            said = await deferToThread(_read_all, (host, listener.address.port))
            greeter = await factory.ended
            self.assertEqual(said, b"hello over plain")
            self.assertEqual(getattr(factory.peers[0], "host", None), host)
            self.assertIn(str(listener.address.port), repr(greeter.transport))

    async def test_refused_by_the_factory(self) -> None:
        """A factory that gives no protocol closes the connection."""
        listener = self.listen(GreeterFactory(is_open=False))
        self.assertEqual(await deferToThread(_read_all, ("127.0.0.1", listener.address.port)), b"")

    async def test_a_failing_protocol(self) -> None:
        """It costs that connection; the next one, which has the same descriptor, is served."""
        factory = GreeterFactory()
        listener = self.listen(factory)
        broken = [True]

        def fail(protocol: Greeter) -> None:
            if broken and broken.pop():
                raise RuntimeError("broken")
            Greeter.greet(protocol)

        self.patch(Greeter, "connectionMade", fail)
        address = ("127.0.0.1", listener.address.port)
        self.assertEqual(await deferToThread(_read_all, address), b"")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        await factory.ended
        factory.ended = Deferred()
        self.assertEqual(await deferToThread(_read_all, address), b"hello over plain")
        await factory.ended

    async def test_direct_tls(self) -> None:
        """With a creator the handshake comes first; the name in it chooses the certificate."""
        folder, authority = temporary_folder(self), Authority()
        hosts = [authority.write_host(folder, name) for name in ("a.example", "b.example")]
        tls = ServerTLS(CertificateStore(hosts, lambda: NOW))
        factory = GreeterFactory()
        seen: list[Any] = []

        def look(transport: Any) -> None:
            seen.append(set(channel_bindings(transport.getHandle())))
            seen.append(set(tls.channel_bindings(transport)))
            seen.append(tls.client_jids(transport, "b.example"))

        factory.look = look
        listener = self.listen(factory, tls.creator_for(None))
        said, shown = await deferToThread(_read_all_tls, ("127.0.0.1", listener.address.port), b"b.example")
        await factory.ended
        self.assertEqual(said, b"hello over tls")
        self.assertEqual(shown, tls.store.find("b.example").chain[0])
        both = {"tls-exporter", "tls-server-end-point"}
        self.assertEqual(seen, [both, both, []])


def _read_all(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, timeout=5) as sock:
        return b"".join(iter(lambda: sock.recv(1000), b""))


def _read_all_tls(address: tuple[str, int], name: bytes) -> tuple[bytes, Any]:
    with socket.create_connection(address, timeout=5) as sock:
        sock.settimeout(None)
        connection = SSL.Connection(client_context(), sock)
        connection.set_tlsext_host_name(name)
        connection.set_connect_state()
        said = b""
        while True:
            try:
                said += connection.recv(1000)
            except (SSL.ZeroReturnError, SSL.SysCallError):
                return said, connection.get_peer_certificate(as_cryptography=True)
