"""Servers on either transport, and clients in a thread, for the tests that both transports must pass."""

import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from cryptography import x509
from OpenSSL import SSL
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import ContextFactory
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import directlyProvides

from tests.net.tls.authority import Authority
from xmppd.net.transport.choice import serve
from xmppd.net.transport.flush import flush_queue_of
from xmppd.net.transport.output import DEFAULT_LIMITS, TransportLimits
from xmppd.net.transport.tls_socket import prepare_context

LARGE = 5 * 1024 * 1024
PATTERN = bytes(range(256)) * 4096

reactor: Any = global_reactor
TIMEOUT_S = 5.0
T = TypeVar("T")

_authority = Authority()
_issued = _authority.issue([x509.DNSName("localhost")])


def server_context(max_version: int = 0) -> SSL.Context:
    """A fresh context with a self-made certificate; it speaks ALPN's "xmpp-client" if asked."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    prepare_context(context)
    context.set_max_proto_version(max_version)
    context.use_certificate(_issued[0])
    context.use_privatekey(_issued[1])
    context.set_alpn_select_callback(lambda _, offered: offered[0])
    return context


class Contexts(ContextFactory):
    """The context in the form that Twisted's own transport takes."""

    isClient = False

    def __init__(self, context: SSL.Context) -> None:
        self.context = context

    def getContext(self) -> SSL.Context:
        """The one context."""
        return self.context


class Conversation(Protocol):
    """The server's side of a connection: notes what happens, and does what a test hands in."""

    transport: Any

    def __init__(self) -> None:
        self.received = bytearray()
        self.chunks: list[int] = []
        self.events: list[str] = []
        self.made: Deferred[None] = Deferred()
        self.lost: Deferred[type[BaseException]] = Deferred()
        self.on_made: Callable[[], None] = lambda: None
        self.on_data: Callable[[bytes], None] = lambda data: None
        self._awaited: list[tuple[int, Deferred[None]]] = []

    def connectionMade(self) -> None:
        """Note it."""
        self.events.append("made")
        self.on_made()
        self.made.callback(None)

    def dataReceived(self, data: bytes) -> None:
        """Keep *data*, and tell those who wait for it."""
        self.received += data
        self.chunks.append(len(data))
        self.on_data(data)
        for size, ready in self._awaited[:]:
            if len(self.received) >= size:
                self._awaited.remove((size, ready))
                ready.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note it."""
        self.events.append("lost")
        self.lost.callback(reason.type or Exception)

    def echo(self, data: bytes) -> None:
        """Send *data* back."""
        self.transport.write(data)

    def has_received(self, size: int) -> Deferred[None]:
        """Fires when *size* bytes have come."""
        ready: Deferred[None] = Deferred()
        if len(self.received) >= size:
            ready.callback(None)
        else:
            self._awaited.append((size, ready))
        return ready

    def know_half_close(self) -> None:
        """Be told when either direction closes."""
        self.readConnectionLost = lambda: self.events.append("read lost")
        self.writeConnectionLost = lambda: self.events.append("write lost")
        directlyProvides(self, IHalfCloseableProtocol)

    def know_handshake(self) -> None:
        """Be told when the handshake is done."""
        self.handshakeCompleted = lambda: self.events.append("handshake")
        directlyProvides(self, IHandshakeListener)


class Acceptor:
    """Hands accepted sockets to our transport."""

    def __init__(self, factory: Factory[Any], tls: SSL.Context | None, limits: TransportLimits) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self._factory = factory
        self._tls = tls
        self._limits = limits
        self._queue = flush_queue_of(reactor)

    def fileno(self) -> int:
        """The listening descriptor."""
        return self.socket.fileno()

    def doRead(self) -> None:
        """Accept one."""
        sock, addr = self.socket.accept()
        serve(sock, addr, self._factory, reactor, self._queue, tls=self._tls, limits=self._limits)

    def stop(self) -> None:
        """Accept no more."""
        reactor.removeReader(self)
        self.socket.close()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor gives it up."""
        self.stop()

    def logPrefix(self) -> str:
        """A name for logs."""
        return "acceptor"


class TransportTestCase(TestCase):
    """A server on our transport or on Twisted's, plain or under TLS from the start."""

    timeout = 20
    is_own: ClassVar[bool] = True
    is_tls: ClassVar[bool] = False
    limits = DEFAULT_LIMITS
    max_version = 0

    def listen(self, conversation: Conversation, tls: bool | None = None) -> int:
        """Serve one connection with *conversation*; the port."""
        factory: Factory[Any] = Factory()
        factory.noisy = False
        factory.buildProtocol = lambda addr: conversation  # type: ignore[method-assign]
        context = server_context(self.max_version) if (self.is_tls if tls is None else tls) else None
        self.addCleanup(self.end, conversation)
        if self.is_own:
            acceptor = Acceptor(factory, context, self.limits)
            reactor.addReader(acceptor)
            self.addCleanup(acceptor.stop)
            return int(acceptor.socket.getsockname()[1])
        if context is None:
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        else:
            port = reactor.listenSSL(0, factory, Contexts(context), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    def starttls_context(self) -> Any:
        """What ``startTLS`` of the transport under test takes."""
        context = server_context(self.max_version)
        return context if self.is_own else Contexts(context)

    def end(self, conversation: Conversation) -> Deferred[Any] | None:
        """See that the connection is gone before the next test."""
        if "made" not in conversation.events or "lost" in conversation.events:
            return None
        conversation.transport.abortConnection()
        return conversation.lost

    def client(self, port: int) -> socket.socket:
        """A blocking client; call it in a thread."""
        sock = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return under_tls(sock) if self.is_tls else sock

    def talk(self, conversation: Conversation, script: Callable[[socket.socket], T]) -> Deferred[T]:
        """Serve *conversation* to a client that does *script* in a thread, and closes."""
        port = self.listen(conversation)

        def run() -> T:
            with self.client(port) as sock:
                return script(sock)

        return deferToThread(run)


def under_tls(sock: socket.socket) -> ssl.SSLSocket:
    """TLS of the client on *sock*; a close without close_notify is an error to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["xmpp-client"])
    return context.wrap_socket(sock, suppress_ragged_eofs=False)


def receive(sock: socket.socket, size: int) -> bytes:
    """Exactly *size* bytes, fewer only at the end."""
    got = bytearray()
    while len(got) < size and (data := sock.recv(min(65536, size - len(got)))):
        got += data
    return bytes(got)


def receive_all(sock: socket.socket) -> bytes:
    """What comes until the end."""
    return receive(sock, 1 << 30)


def large(size: int = LARGE) -> bytes:
    """*size* bytes that show a loss or a swap."""
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


def reset(sock: socket.socket) -> None:
    """Close with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Source:
    """A push producer of *chunks* pieces, and a record of what it was asked."""

    def __init__(self, consumer: Any, chunks: int) -> None:
        self.asked: list[str] = []
        self.left = chunks
        self.most_waiting = 0
        self.is_paused = False
        self._consumer = consumer

    def start(self) -> None:
        """Write until paused or done."""
        while self.left and not self.is_paused:
            self.left -= 1
            self._consumer.write(PATTERN[:65536])
        if not self.left:
            self._consumer.unregisterProducer()

    def pauseProducing(self) -> None:
        """Stop."""
        self.asked.append("pause")
        self.is_paused = True

    def resumeProducing(self) -> None:
        """Go on."""
        self.asked.append("resume")
        self.is_paused = False
        self.start()

    def stopProducing(self) -> None:
        """Never again."""
        self.asked.append("stop")
        self.left = 0


class Puller:
    """A pull producer: one piece each time it is asked."""

    def __init__(self, consumer: Any, pieces: list[bytes]) -> None:
        self._consumer = consumer
        self._pieces = pieces

    def resumeProducing(self) -> None:
        """Write one, or say that it was the last."""
        if self._pieces:
            self._consumer.write(self._pieces.pop(0))
        else:
            self._consumer.unregisterProducer()
            self._consumer.loseConnection()

    def stopProducing(self) -> None:
        """Never again."""
        self._pieces.clear()


def close_politely(sock: Any) -> None:
    """Close, with close_notify if it is TLS."""
    if hasattr(sock, "unwrap"):
        sock.unwrap()
