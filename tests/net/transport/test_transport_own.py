"""What only our transport promises: one send a turn, bounds, timers, TLS's odd turns, and no litter."""

import select
import socket
from typing import Any

from OpenSSL import SSL
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.net.transport.transports import server_context
from xmppd.net.transport.choice import Transport, serve
from xmppd.net.transport.flush import FlushQueue
from xmppd.net.transport.output import (
    DEFAULT_LIMITS,
    SEND_BYTES,
    CloseTimedOut,
    TransportLimits,
    WriteBufferFull,
)
from xmppd.net.transport.sockets import READ_BYTES

ADDRESS = ("127.0.0.1", 1)


class PumpedReactor(Clock):
    """Readiness when the test asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()
        self.flush_queue = FlushQueue()

    def addReader(self, reader: Any) -> None:
        """Note it."""
        self.readers.add(reader)

    def addWriter(self, writer: Any) -> None:
        """Note it."""
        self.writers.add(writer)

    def removeReader(self, reader: Any) -> None:
        """Forget it."""
        self.readers.discard(reader)

    def removeWriter(self, writer: Any) -> None:
        """Forget it."""
        self.writers.discard(writer)

    def turn(self) -> bool:
        """One turn; whether anything was ready."""
        self.advance(0)
        self.flush_queue.flush()
        readable, writable, _ = select.select(self.readers, self.writers, [], 0)
        for one in readable:
            one.doRead()
        for one in writable:
            if one in self.writers:
                one.doWrite()
        self.flush_queue.flush()
        return bool(readable or writable or self.flush_queue.is_waiting or self.getDelayedCalls())

    def settle(self, turns: int = 500) -> None:
        """Turns until nothing is ready."""
        for _ in range(turns):
            if not self.turn():
                break


class CountingSocket(socket.socket):
    """Counts what is sent."""

    sends: list[int]

    def send(self, data: Any, flags: int = 0) -> int:
        """As a socket does, noted."""
        sent = super().send(data, flags)
        self.sends.append(sent)
        return sent


class Recorder(Protocol):
    """Keeps what comes and how it ends."""

    transport: Any

    def __init__(self) -> None:
        self.received = bytearray()
        self.chunks: list[int] = []
        self.reason: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.received += data
        self.chunks.append(len(data))

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008 - Twisted's shape
        """Keep it."""
        self.reason = reason


class Case(SynchronousTestCase):
    """A transport on one end of a socket pair, the bare other end, and a reactor that the test turns."""

    def setUp(self) -> None:
        self.reactor: Any = PumpedReactor()

    def tcp_pair(self) -> tuple[CountingSocket, socket.socket]:
        """Two connected TCP sockets on loopback."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            other = socket.create_connection(listener.getsockname())
            return self._prepared(listener.accept()[0], other)

    def pair(self, buffer_bytes: int = 0) -> tuple[CountingSocket, socket.socket]:
        """Two connected sockets that deliver at once."""
        return self._prepared(*socket.socketpair(), buffer_bytes)

    def _prepared(
        self, accepted: socket.socket, other: socket.socket, buffer_bytes: int = 0
    ) -> tuple[CountingSocket, socket.socket]:
        ours = CountingSocket(fileno=accepted.detach())
        ours.sends = []
        if buffer_bytes:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
        other.setblocking(False)
        self.addCleanup(ours.close)
        self.addCleanup(other.close)
        return ours, other

    def connect(
        self, sock: socket.socket, limits: TransportLimits = DEFAULT_LIMITS, is_client: bool = False
    ) -> Recorder:
        """A protocol on *sock*."""
        protocol = Recorder()
        transport = Transport(
            sock, ADDRESS, protocol, self.reactor, self.reactor.flush_queue, limits, is_client=is_client
        )
        self.reactor.addReader(transport)
        protocol.makeConnection(transport)
        return protocol

    def tls_pair(self, buffer_bytes: int = 0) -> tuple[Recorder, Recorder]:
        """Server and client, both ours, after the handshake."""
        ours, other = self.pair(buffer_bytes)
        server, client = self.connect(ours), self.connect(other, is_client=True)
        server.transport.startTLS(server_context())
        client.transport.startTLS(SSL.Context(SSL.TLS_CLIENT_METHOD))
        self.reactor.settle()
        return server, client

    def reason_of(self, protocol: Recorder) -> type[BaseException] | None:
        """Why it ended, None while it lives."""
        return None if protocol.reason is None else protocol.reason.type


class OutputTests(Case):
    """How output leaves."""

    def test_one_send_a_turn(self) -> None:
        """A hundred writes of one turn leave in one send, at once, without waiting for the poller."""
        ours, other = self.pair()
        server = self.connect(ours)
        for _ in range(100):
            server.transport.write(b"<message/>")
        self.assertEqual(ours.sends, [])
        self.reactor.flush_queue.flush()
        self.assertEqual((ours.sends, self.reactor.writers), ([1000], set()))
        self.assertEqual(other.recv(2000), b"<message/>" * 100)

    def test_one_record_a_turn(self) -> None:
        """Under TLS they leave in one record."""
        server, client = self.tls_pair()
        for _ in range(100):
            server.transport.write(b"<message/>")
        self.reactor.flush_queue.flush()
        raw = client.transport._socket.recv(4000, socket.MSG_PEEK)
        self.assertEqual(len(raw), int.from_bytes(raw[3:5], "big") + 5)
        self.reactor.settle()
        self.assertEqual(bytes(client.received), b"<message/>" * 100)

    def test_waits_for_the_poller_only_when_full(self) -> None:
        """A full kernel buffer registers the writer, room in it ends that."""
        ours, other = self.pair(4096)
        server = self.connect(ours)
        server.transport.write(bytes(1 << 20))
        self.reactor.flush_queue.flush()
        self.assertEqual(self.reactor.writers, {server.transport})
        server.transport.write(b"end")
        got = bytearray()
        while not got.endswith(b"end"):
            try:
                got += other.recv(65536)
            except BlockingIOError:
                self.reactor.turn()
        self.reactor.turn()
        self.assertEqual((len(got), self.reactor.writers, server.transport.unsent_bytes), (1048579, set(), 0))
        self.assertLessEqual(max(ours.sends), SEND_BYTES)

    def test_the_write_buffer_is_bounded(self) -> None:
        """Who does not read is cut, by name, and the memory is free at once."""
        ours, _ = self.pair(4096)
        server = self.connect(ours, TransportLimits(write_buffer_bytes=100_000))
        server.transport.write(bytes(90_000))
        self.reactor.settle(3)
        server.transport.write(bytes(90_000))
        self.assertEqual((server.reason, server.transport.unsent_bytes), (None, 0))
        self.reactor.turn()
        self.assertEqual(self.reason_of(server), WriteBufferFull)

    def test_the_close_waits_for_the_producer(self) -> None:
        """A registered producer may still write after loseConnection; the close follows its end."""
        ours, other = self.pair()
        server = self.connect(ours)
        server.transport.registerProducer(_Silent(), True)
        server.transport.loseConnection()
        self.reactor.settle()
        server.transport.write(b"more")
        self.reactor.settle()
        self.assertEqual((server.reason, other.recv(10)), (None, b"more"))
        server.transport.unregisterProducer()
        self.reactor.settle()
        self.assertEqual((self.reason_of(server), other.recv(10)), (ConnectionDone, b""))

    def test_a_producer_that_comes_too_late(self) -> None:
        """After loseConnection, or at the end, it is told to stop, and the close goes on."""
        for streaming in (True, False):
            ours, _ = self.pair()
            server = self.connect(ours)
            server.transport.loseConnection()
            for _ in range(2):
                producer = _Silent()
                server.transport.registerProducer(producer, streaming)
                self.reactor.settle()
                self.assertEqual((self.reason_of(server), producer.stopped), (ConnectionDone, 1))

    def test_a_close_that_is_not_taken(self) -> None:
        """It is cut after the time, which starts anew with each progress."""
        ours, other = self.pair(4096)
        server = self.connect(ours)
        server.transport.write(bytes(1 << 20))
        server.transport.loseConnection()
        self.reactor.flush_queue.flush()
        for _ in range(5):
            self.reactor.advance(DEFAULT_LIMITS.close_timeout_s - 0.1)
            while select.select([other], [], [], 0)[0]:
                other.recv(2000)
            self.reactor.flush_queue.flush()
            for one in list(self.reactor.writers):
                one.doWrite()
        self.assertEqual(server.reason, None)
        self.reactor.advance(DEFAULT_LIMITS.close_timeout_s)
        self.reactor.advance(DEFAULT_LIMITS.close_timeout_s)
        self.reactor.advance(0)
        self.assertEqual(self.reason_of(server), CloseTimedOut)

    def test_both_directions_closed(self) -> None:
        """After both half-closes the connection ends."""
        ours, other = self.pair()
        server = self.connect(ours)
        server.transport.loseWriteConnection()
        self.reactor.settle()
        self.assertEqual((other.recv(1), server.reason), (b"", None))
        other.shutdown(socket.SHUT_WR)
        self.reactor.settle()
        self.assertEqual(self.reason_of(server), ConnectionDone)

    def test_no_reset_for_what_nobody_read(self) -> None:
        """Input that is left at the close does not turn it into a reset: our last words arrive."""
        ours, other = self.tcp_pair()
        server = self.connect(ours)
        other.sendall(bytes(100_000))
        server.transport.write(b"<policy-violation/>")
        server.transport.loseConnection()
        self.reactor.flush_queue.flush()
        other.setblocking(True)
        self.assertEqual((other.recv(100), other.recv(100)), (b"<policy-violation/>", b""))


class _Silent:
    """A push producer that does nothing."""

    stopped = 0

    def pauseProducing(self) -> None:
        """Nothing."""

    def resumeProducing(self) -> None:
        """Nothing."""

    def stopProducing(self) -> None:
        """Count."""
        self.stopped += 1


class InputTests(Case):
    """How much is read."""

    def test_a_turn_is_bounded(self) -> None:
        """A turn reads at most READ_BYTES, plain and under TLS."""
        ours, other = self.pair()
        plain = self.connect(ours)
        other.send(bytes(300_000))
        self.reactor.settle()
        server, client = self.tls_pair()
        client.transport.write(bytes(300_000))
        self.reactor.settle()
        self.assertEqual(len(server.received), 300_000)
        for chunks in (plain.chunks, server.chunks):
            self.assertLessEqual(max(chunks), READ_BYTES)

    def test_what_openssl_holds_is_drained(self) -> None:
        """What a bounded read left in OpenSSL comes in the next turn, without an event, unless paused."""
        server, client = self.tls_pair()
        for _ in range(7):
            client.transport.write(bytes(10_000))
            self.reactor.flush_queue.flush()
        server.transport.doRead()
        self.assertEqual(
            (len(server.received), server.transport._tls.pending()), (READ_BYTES, 20_000 - READ_BYTES)
        )
        server.transport.pauseProducing()
        self.reactor.advance(1)
        self.assertEqual(len(server.received), READ_BYTES)
        server.transport.resumeProducing()
        self.reactor.advance(0)
        self.assertEqual(len(server.received), 70_000)
        self.assertLessEqual(max(server.chunks), READ_BYTES)

    def test_a_failing_protocol_in_a_later_turn(self) -> None:
        """An error while that rest is handed over is logged and ends the connection."""
        server, client = self.tls_pair()
        server.dataReceived = lambda data: {}["missing"]  # type: ignore[method-assign,index]
        client.transport.write(b"x")
        self.reactor.flush_queue.flush()
        server.transport._read_soon()
        self.reactor.advance(0)
        self.assertEqual(self.reason_of(server), KeyError)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)


class ServeTests(Case):
    """From an accepted socket to a connected protocol."""

    def test_options(self) -> None:
        """The socket has no delay and is kept alive."""
        ours, _ = self.tcp_pair()
        factory: Factory[Any] = Factory.forProtocol(Recorder)
        transport = serve(ours, ADDRESS, factory, self.reactor, self.reactor.flush_queue)
        assert transport is not None
        self.assertEqual((transport.getTcpNoDelay(), transport.getTcpKeepAlive()), (True, True))
        self.assertEqual(transport.getPeer().host, "127.0.0.1")

    def test_no_protocol(self) -> None:
        """A factory that wants no more connections gets none; the socket is closed."""
        ours, other = self.tcp_pair()
        factory: Factory[Any] = Factory()
        factory.buildProtocol = lambda addr: None  # type: ignore[method-assign]
        self.assertIsNone(serve(ours, ADDRESS, factory, self.reactor, self.reactor.flush_queue))
        other.setblocking(True)
        self.assertEqual(other.recv(1), b"")

    def test_a_failing_protocol(self) -> None:
        """An error in connectionMade is the caller's to log, and the connection is cut."""

        class Broken(Recorder):
            def connectionMade(self) -> None:
                raise KeyError("broken")

        ours, other = self.tcp_pair()
        factory: Factory[Any] = Factory.forProtocol(Broken)
        self.assertRaises(KeyError, serve, ours, ADDRESS, factory, self.reactor, self.reactor.flush_queue)
        self.reactor.settle()
        other.setblocking(True)
        self.assertRaises(ConnectionResetError, other.recv, 1)
