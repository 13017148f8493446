"""What a protocol may rely on with every transport, as a mixin of tests."""

import hashlib
import socket
import time
from typing import Any, ClassVar

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ITCPTransport
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from zope.interface.verify import verifyObject

from tests.net.transport.transports import (
    LARGE,
    PATTERN,
    Conversation,
    Puller,
    Source,
    close_politely,
    large,
    reactor,
    receive,
    receive_all,
    reset,
)
from xmppd.net.transport.sockets import READ_BYTES
from xmppd.net.transport.twisted_transport import connection_of


class Contract:
    """The tests; a subclass says which transport and whether TLS."""

    is_own: ClassVar[bool]
    is_tls: ClassVar[bool]
    talk: Any
    client: Any
    listen: Any
    assertEqual: Any
    assertIn: Any
    assertTrue: Any
    assertRaises: Any
    assertGreater: Any
    assertLess: Any
    flushLoggedErrors: Any

    def reasons(self, wanted: type[BaseException]) -> tuple[type[BaseException], ...]:
        """The wanted reason; Twisted's TLS sometimes calls any end ConnectionLost."""
        return (wanted,) if self.is_own or not self.is_tls else (wanted, ConnectionLost)

    async def test_echo(self) -> None:
        """What is written in dataReceived reaches the peer, and its close is ConnectionDone."""
        server = Conversation()
        server.on_data = server.echo

        def script(sock: socket.socket) -> bytes:
            sock.sendall(b"hello")
            answer = receive(sock, 5)
            close_politely(sock)
            return answer

        self.assertEqual(await self.talk(server, script), b"hello")
        self.assertEqual(await server.lost, ConnectionDone)
        self.assertEqual(server.events, ["made", "lost"])

    async def test_one_byte_at_a_time(self) -> None:
        """The smallest pieces arrive in order, both ways."""
        server = Conversation()

        def answer(data: bytes) -> None:
            for byte in data:
                server.transport.write(bytes([byte]))

        server.on_data = answer

        def script(sock: socket.socket) -> bytes:
            for byte in range(200):
                sock.sendall(bytes([byte]))
            return receive(sock, 200)

        self.assertEqual(await self.talk(server, script), bytes(range(200)))

    async def test_five_megabytes_both_ways(self) -> None:
        """Large writes of either side arrive whole."""
        server = Conversation()

        def answer(data: bytes) -> None:
            if len(server.received) == LARGE:
                server.transport.write(large())
                server.transport.loseConnection()

        server.on_data = answer

        def script(sock: socket.socket) -> bytes:
            sock.sendall(large())
            got = receive_all(sock)
            close_politely(sock)
            return hashlib.sha256(got).digest()

        wanted = hashlib.sha256(large()).digest()
        self.assertEqual(await self.talk(server, script), wanted)
        self.assertEqual(hashlib.sha256(server.received).digest(), wanted)
        self.assertEqual(await server.lost, ConnectionDone)
        if self.is_own:
            self.assertLess(max(server.chunks), READ_BYTES + 1)

    async def test_write_in_connection_made(self) -> None:
        """A protocol may speak first, also before the handshake."""
        server = Conversation()
        server.on_made = lambda: server.transport.write(b"welcome")
        self.assertEqual(await self.talk(server, lambda sock: receive(sock, 7)), b"welcome")

    async def test_write_sequence(self) -> None:
        """writeSequence writes the pieces in order."""
        server = Conversation()
        server.on_made = lambda: server.transport.writeSequence([b"a", b"", b"bc"])
        self.assertEqual(await self.talk(server, lambda sock: receive(sock, 3)), b"abc")

    async def test_only_bytes_are_written(self) -> None:
        """Text is refused with TypeError."""
        server = Conversation()
        server.on_data = lambda data: self.assertRaises(TypeError, server.transport.write, "text")
        await self.talk(server, lambda sock: sock.sendall(b"x"))
        await server.lost

    async def test_lose_connection_flushes(self) -> None:
        """All that was written before loseConnection arrives, and then the end."""
        server = Conversation()

        def speak(data: bytes) -> None:
            server.transport.write(large(1 << 20))
            server.transport.loseConnection()

        server.on_data = speak

        def script(sock: socket.socket) -> bytes:
            sock.sendall(b"go")
            got = receive_all(sock)
            close_politely(sock)
            return got

        self.assertEqual(await self.talk(server, script), large(1 << 20))
        self.assertEqual(await server.lost, ConnectionDone)

    async def test_write_after_lose_connection(self) -> None:
        """It is ignored (by Twisted's plain transport it is still sent)."""
        server = Conversation()

        def speak(data: bytes) -> None:
            server.transport.write(b"last")
            server.transport.loseConnection()
            server.transport.write(b"late")

        server.on_data = speak

        def script(sock: socket.socket) -> bytes:
            sock.sendall(b"go")
            return receive_all(sock)

        is_sent = not self.is_own and not self.is_tls
        self.assertEqual(await self.talk(server, script), b"lastlate" if is_sent else b"last")

    async def test_abort_connection(self) -> None:
        """The peer sees a reset, the protocol ConnectionAborted, but not before the caller has returned."""
        server = Conversation()

        def abort(data: bytes) -> None:
            server.transport.write(large(1 << 20))
            server.transport.abortConnection()
            server.events.append("returned")

        server.on_data = abort

        def script(sock: socket.socket) -> str:
            sock.sendall(b"go")
            try:
                receive_all(sock)
            except OSError as error:
                return type(error).__name__
            return "closed"

        self.assertIn(await self.talk(server, script), ("ConnectionResetError", "SSLEOFError"))
        self.assertIn(await server.lost, self.reasons(ConnectionAborted))
        self.assertEqual(server.events, ["made", "returned", "lost"])

    async def test_reset_by_the_peer(self) -> None:
        """A reset is ConnectionLost."""
        server = Conversation()

        def script(sock: socket.socket) -> None:
            sock.sendall(b"x")
            time.sleep(0.02)
            reset(sock)

        await self.talk(server, script)
        self.assertEqual(await server.lost, ConnectionLost)

    async def test_reset_while_output_waits(self) -> None:
        """Also with a full buffer, which is dropped. (From a hang-up Twisted at times takes it for an orderly end.)"""
        server = Conversation()
        server.on_data = lambda data: server.transport.write(large(8 << 20))

        def script(sock: socket.socket) -> None:
            sock.sendall(b"x")
            receive(sock, 1000)
            reset(sock)

        await self.talk(server, script)
        self.assertIn(
            await server.lost, (ConnectionLost,) if self.is_own else (ConnectionLost, ConnectionDone)
        )

    async def test_pause_in_connection_made(self) -> None:
        """Nothing is handed over before resumeProducing; a handshake goes on meanwhile (not with Twisted's TLS)."""
        if self.is_tls and not self.is_own:
            return
        server = Conversation()

        def pause() -> None:
            server.transport.pauseProducing()

        server.on_made = pause
        port = self.listen(server)
        sock = await deferToThread(self.client, port)
        await deferToThread(sock.sendall, b"early")
        await deferLater(reactor, 0.03)
        self.assertEqual(bytes(server.received), b"")
        server.transport.resumeProducing()
        await server.has_received(5)
        await deferToThread(sock.close)
        await server.lost

    async def test_resume_gives_what_waited(self) -> None:
        """After a pause at the first piece the rest comes, also what OpenSSL has decrypted already."""
        server = Conversation()
        server.on_data = lambda data: server.transport.pauseProducing()
        sock = await deferToThread(self.client, self.listen(server))
        for _ in range(10):  # records whose bounds are not those of our reads
            await deferToThread(sock.sendall, PATTERN[:10000])
        rounds = 0
        while len(server.received) < 100000:
            rounds += 1
            await deferLater(reactor, 0)
            server.transport.resumeProducing()
        self.assertEqual(bytes(server.received), PATTERN[:10000] * 10)
        await deferToThread(sock.close)
        server.on_data = lambda data: None
        server.transport.resumeProducing()
        await server.lost

    async def test_slow_reader_pauses_the_producer(self) -> None:
        """A push producer is paused while much waits and resumed when it has left; nothing is lost."""
        server = Conversation()
        port = self.listen(server)
        sock = await deferToThread(self.client, port)
        await server.made
        source = Source(server.transport, 256)
        server.transport.registerProducer(source, True)
        source.start()
        await deferLater(reactor, 0.02)
        self.assertEqual(source.asked[0], "pause")
        self.assertGreater(source.left, 0)
        got = await deferToThread(receive, sock, 256 * 65536)
        self.assertEqual(hashlib.sha256(got).digest(), hashlib.sha256(PATTERN[:65536] * 256).digest())
        self.assertIn("resume", source.asked)
        await deferToThread(sock.close)
        await server.lost
        self.assertEqual("stop" in source.asked, False)

    async def test_what_is_unsent(self) -> None:
        """A session learns how much waits for a peer that does not read, and that it has left when it does."""
        server = Conversation()
        sock = await deferToThread(self.client, self.listen(server))
        await server.made
        conn = connection_of(server.transport)
        size = 8 * 1024 * 1024
        conn.write(b"." * size)
        await deferLater(reactor, 0.05)
        self.assertGreater(conn.unsent_bytes, size // 4)
        self.assertLess(conn.unsent_bytes, size * 1.1)
        await deferToThread(receive, sock, size)
        for _ in range(100):
            if conn.unsent_bytes:
                await deferLater(reactor, 0.02)
        self.assertEqual(conn.unsent_bytes, 0)
        conn.loseConnection()
        await deferToThread(sock.close)
        await server.lost

    async def test_pull_producer(self) -> None:
        """A pull producer is asked whenever nothing waits."""
        server = Conversation()

        def speak(data: bytes) -> None:
            server.transport.registerProducer(Puller(server.transport, [b"one", b"two", b"three"]), False)

        server.on_data = speak

        def script(sock: socket.socket) -> bytes:
            sock.sendall(b"go")
            return receive_all(sock)

        self.assertEqual(await self.talk(server, script), b"onetwothree")

    async def test_producer_is_stopped_at_the_end(self) -> None:
        """A registered producer hears stopProducing when the connection is lost, and so does a later one."""
        server = Conversation()
        sock = await deferToThread(self.client, self.listen(server))
        await server.made
        source = Source(server.transport, 1)
        server.transport.registerProducer(source, True)
        self.assertRaises(RuntimeError, server.transport.registerProducer, source, True)
        await deferToThread(sock.close)
        await server.lost
        self.assertEqual(source.asked, ["stop"])

    async def test_an_error_of_the_protocol(self) -> None:
        """It is logged, and costs that connection."""
        server = Conversation()
        server.on_data = lambda data: {}["missing"]  # type: ignore[index]

        def script(sock: socket.socket) -> None:
            sock.sendall(b"x")
            sock.recv(1)

        failed = self.talk(server, script)
        self.assertIn(await server.lost, self.reasons(KeyError))
        failed.addErrback(lambda failure: None)
        await failed
        await deferLater(reactor, 0)
        self.assertGreater(len(self.flushLoggedErrors(KeyError)), 0)

    async def test_settings_and_addresses(self) -> None:
        """The interfaces of Twisted's transports are there."""
        server = Conversation()
        sock = await deferToThread(self.client, self.listen(server))
        await server.made
        transport = server.transport
        for interface in (ITCPTransport, IConsumer, IPushProducer):
            self.assertTrue(verifyObject(interface, transport))
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
        self.assertEqual((bool(transport.getTcpNoDelay()), bool(transport.getTcpKeepAlive())), (True, True))
        self.assertEqual((transport.getPeer().host, transport.getPeer().port), sock.getsockname())
        self.assertEqual((transport.getHost().host, transport.getHost().port), sock.getpeername())
        await deferToThread(sock.close)
        await server.lost
