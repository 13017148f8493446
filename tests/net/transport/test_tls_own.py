"""Our transport with TLS, of which a script says what it wants next."""

import select
import socket

from OpenSSL import SSL
from twisted.internet.error import ConnectionDone

from tests.net.transport.test_transport_own import Case
from tests.net.transport.transports import server_context
from xmppd.net.transport.output import (
    DEFAULT_LIMITS,
    CloseTimedOut,
)
from xmppd.net.transport.tls_socket import CLOSED, CLOSING, DONE, MORE, OPEN, WANT_READ, WANT_WRITE


class StartTLSTests(Case):
    """The switch in place."""

    def test_plaintext_leaves_first(self) -> None:
        """What was written before startTLS leaves in the clear, however long it takes, and only then the handshake."""
        ours, other = self.pair(4096)
        server = self.connect(ours)
        server.transport.write(bytes(1 << 20))
        self.reactor.turn()
        server.transport.write(b"<proceed/>")
        server.transport.startTLS(server_context())
        server.transport.write(b"secret")
        got = bytearray()
        while not got.endswith(b"<proceed/>"):
            self.reactor.turn()
            if select.select([other], [], [], 0)[0]:
                got += other.recv(65536)
        self.assertEqual(len(got), (1 << 20) + 10)
        client = self.connect(other, is_client=True)
        client.transport.startTLS(SSL.Context(SSL.TLS_CLIENT_METHOD))
        self.reactor.settle()
        self.assertEqual(bytes(client.received), b"secret")

    def test_the_same_object_goes_on(self) -> None:
        """The transport that the protocol holds is now a TLS one; a second startTLS is an error."""
        server, _ = self.tls_pair()
        self.assertIsInstance(server.transport.tls_connection, SSL.Connection)
        self.assertRaises(RuntimeError, server.transport.startTLS, server_context())

    def test_it_takes_a_maker_of_connections(self) -> None:
        """An object with make_connection makes the connection on the socket; anything else is a TypeError."""
        ours, other = self.pair()
        server, client = self.connect(ours), self.connect(other, is_client=True)

        class Maker:
            def make_connection(self, sock: socket.socket) -> SSL.Connection:
                return SSL.Connection(server_context(), sock)

        self.assertRaises(TypeError, server.transport.startTLS, None)
        server.transport.startTLS(Maker())
        client.transport.startTLS(SSL.Context(SSL.TLS_CLIENT_METHOD))
        server.transport.write(b"hello")
        self.reactor.settle()
        self.assertEqual(bytes(client.received), b"hello")

    def test_a_failing_callback(self) -> None:
        """An error of ours in the middle of a handshake costs that connection, and does not taint the next."""

        def fail(connection: SSL.Connection, offered: list[bytes]) -> bytes:
            raise KeyError("ours")

        class Offering:
            def make_connection(self, sock: socket.socket) -> SSL.Connection:
                connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), sock)
                connection.set_alpn_protos([b"xmpp-client"])
                return connection

        good, _ = self.tls_pair()
        context = server_context()
        context.set_alpn_select_callback(fail)
        ours, other = self.pair()
        server, client = self.connect(ours), self.connect(other, is_client=True)
        server.transport.startTLS(context)
        client.transport.startTLS(Offering())
        self.reactor.flush_queue.flush()
        self.assertRaises(KeyError, server.transport.doRead)
        good.transport.doRead()
        self.assertEqual(good.reason, None)
        server.transport.abortConnection()
        self.reactor.settle()

    def test_close_before_the_handshake(self) -> None:
        """With nothing to say it is the end; with output it waits for the handshake, but not for ever."""
        for output, expected in ((b"", ConnectionDone), (b"<error/>", CloseTimedOut)):
            ours, _ = self.pair()
            server = self.connect(ours)
            server.transport.startTLS(server_context())
            server.transport.write(output)
            server.transport.loseConnection()
            self.reactor.flush_queue.flush()
            self.assertEqual(server.reason is None, bool(output))
            self.reactor.advance(DEFAULT_LIMITS.close_timeout_s)
            self.reactor.advance(0)
            self.assertEqual(self.reason_of(server), expected)

    def test_the_peer_does_not_answer_close_notify(self) -> None:
        """The shutdown timer ends it."""
        server, client = self.tls_pair()
        self.reactor.readers.discard(client.transport)
        server.transport.loseConnection()
        self.reactor.flush_queue.flush()
        self.assertEqual(server.reason, None)
        self.reactor.advance(DEFAULT_LIMITS.close_timeout_s)
        self.reactor.advance(0)
        self.assertEqual(self.reason_of(server), CloseTimedOut)


class ScriptedTLS:
    """TLS that says what the test wants."""

    def __init__(self) -> None:
        self.phase = OPEN
        self.clear = b""
        self.error: Exception | None = None
        self.read_wants_write = self.write_wants_read = False
        self.connection = None
        self.reads: list[tuple[bytes, int]] = []
        self.writes: list[tuple[int, int]] = []
        self.shutdowns: list[int] = []
        self.written: list[bytes] = []

    def read(self) -> tuple[bytes, int]:
        """The next of the script."""
        return self.reads.pop(0) if self.reads else (b"", WANT_READ)

    def write(self, data: bytes) -> tuple[int, int]:
        """The next of the script, else all is taken."""
        self.written.append(bytes(data))
        return self.writes.pop(0) if self.writes else (len(data), DONE)

    def shutdown(self) -> int:
        """The next of the script."""
        return self.shutdowns.pop(0)

    def pending(self) -> int:
        """Nothing."""
        return 0


class WantTests(Case):
    """Reads that must write first, and writes that must read first."""

    def setUp(self) -> None:
        super().setUp()
        self.server, _ = self.tls_pair()
        self.transport = self.server.transport
        self.tls = self.transport._tls = ScriptedTLS()

    def test_a_read_that_wants_to_write(self) -> None:
        """A key update is answered when there is room, and reading goes on then."""
        self.tls.reads = [(b"a", WANT_WRITE), (b"b", WANT_READ)]
        self.transport.doRead()
        self.assertIn(self.transport, self.reactor.writers)
        self.transport.doWrite()
        self.assertEqual((bytes(self.server.received), self.reactor.writers), (b"ab", set()))

    def test_a_paused_read_that_wants_to_write(self) -> None:
        """It does not spin while paused, and goes on after resumeProducing."""
        self.tls.reads = [(b"a", WANT_WRITE), (b"b", WANT_READ)]
        self.transport.doRead()
        self.transport.pauseProducing()
        self.transport.doWrite()
        self.assertEqual((bytes(self.server.received), self.reactor.writers), (b"a", set()))
        self.transport.resumeProducing()
        self.reactor.advance(0)
        self.assertEqual(bytes(self.server.received), b"ab")

    def test_a_write_that_wants_to_read(self) -> None:
        """It waits for input, even while paused, and is repeated with the same bytes in front."""
        self.tls.writes = [(2, WANT_READ)]
        self.transport.pauseProducing()
        self.transport.write(b"abcd")
        self.reactor.flush_queue.flush()
        self.assertEqual(
            (self.reactor.readers & {self.transport}, self.reactor.writers), ({self.transport}, set())
        )
        self.transport.doRead()
        self.assertEqual(self.tls.written, [b"abcd", b"cd"])
        self.assertNotIn(self.transport, self.reactor.readers)

    def test_a_close_that_wants_to_write(self) -> None:
        """close_notify goes on when there is room, what comes meanwhile is dropped."""
        self.tls.shutdowns = [WANT_WRITE, WANT_READ]
        self.tls.reads = [(b"late", MORE), (b"", CLOSED)]
        self.transport.loseConnection()
        self.reactor.flush_queue.flush()
        self.assertIn(self.transport, self.reactor.writers)
        self.transport.doWrite()
        self.assertEqual((self.tls.phase, self.reactor.writers), (CLOSING, set()))
        self.transport.doRead()
        self.reactor.advance(0)
        self.assertEqual((self.reason_of(self.server), bytes(self.server.received)), (ConnectionDone, b""))
