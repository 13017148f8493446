"""What a protocol may rely on: the same tests over Twisted's transport and over ours, plain and under TLS."""

import contextlib
import hashlib
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, ClassVar

from OpenSSL import SSL
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ISSLTransport, ITCPTransport, ITLSTransport
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from zope.interface.verify import verifyObject

from tests.net.transport.transports import (
    Conversation,
    TransportTestCase,
    reactor,
    receive,
    receive_all,
    under_tls,
)
from xmppd.net.transport import tls_socket
from xmppd.net.transport.sockets import READ_BYTES
from xmppd.net.transport.twisted_transport import connection_of

LARGE = 5 * 1024 * 1024
PATTERN = bytes(range(256)) * 4096


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


class PlainContract(Contract):
    """What only a plain transport does."""

    is_tls = False

    async def test_half_close_by_the_peer(self) -> None:
        """IHalfCloseableProtocol hears of it, and may go on writing."""
        server = Conversation()
        server.know_half_close()

        def script(sock: socket.socket) -> bytes:
            sock.sendall(b"question")
            sock.shutdown(socket.SHUT_WR)
            return receive_all(sock)

        talked = self.talk(server, script)
        await server.has_received(8)
        while "read lost" not in server.events:
            await deferLater(reactor, 0)
        server.transport.write(b"answer")
        server.transport.loseConnection()
        self.assertEqual(await talked, b"answer")
        self.assertEqual(await server.lost, ConnectionDone)

    async def test_half_close_by_us(self) -> None:
        """loseWriteConnection ends the output after what was written; reading goes on."""
        server = Conversation()
        server.know_half_close()

        def speak() -> None:
            server.transport.write(b"all")
            server.transport.loseWriteConnection()

        server.on_made = speak

        def script(sock: socket.socket) -> bytes:
            got = receive_all(sock)
            sock.sendall(b"still here")
            return got

        self.assertEqual(await self.talk(server, script), b"all")
        await server.has_received(10)
        self.assertEqual(server.events[:2], ["made", "write lost"])

    async def test_last_words_to_one_who_has_closed(self) -> None:
        """What the protocol answered to the last bytes before the peer's FIN still leaves (ours only)."""
        server = Conversation()
        server.on_data = lambda data: server.transport.write(b"</stream>")

        def script(sock: socket.socket) -> bytes:
            sock.sendall(b"</stream>")
            sock.shutdown(socket.SHUT_WR)
            return receive_all(sock)

        self.assertIn(
            await self.talk(server, script), (b"</stream>",) if self.is_own else (b"</stream>", b"")
        )

    async def test_what_is_unsent_after_starttls(self) -> None:
        """The same where TLS began in between."""
        server = Conversation()
        server.on_data = lambda data: server.transport.startTLS(self.starttls_context())
        sock = await deferToThread(self.client, self.listen(server))
        await server.made
        conn = connection_of(server.transport)
        sock.sendall(b"go")
        await server.has_received(2)
        secured = await deferToThread(under_tls, sock)
        size = 8 * 1024 * 1024
        conn.write(b"." * size)
        await deferLater(reactor, 0.05)
        self.assertGreater(conn.unsent_bytes, size // 4)
        await deferToThread(receive, secured, size)
        for _ in range(100):
            if conn.unsent_bytes:
                await deferLater(reactor, 0.02)
        self.assertEqual(conn.unsent_bytes, 0)
        await deferToThread(secured.close)
        await server.lost

    async def test_starttls(self) -> None:
        """RFC 6120 5.4.3.3: the answer leaves in the clear, the same transport goes on under TLS, and what the
        peer sent behind its request went to the protocol as plaintext, never into the TLS stream."""
        server = Conversation()

        def listen(data: bytes) -> None:
            if bytes(server.received) == b"<starttls/>injected":
                server.transport.write(b"<proceed/>")
                server.transport.startTLS(self.starttls_context())
                server.know_handshake()
                server.transport.write(b"first under TLS;")
            else:
                server.transport.write(data)

        server.on_data = listen

        def script(sock: socket.socket) -> tuple[bytes, bytes]:
            sock.sendall(b"<starttls/>injected")
            proceed = receive(sock, 10)
            with under_tls(sock) as secure:
                secure.sendall(b"hello")
                answer = receive(secure, 21)
                close_politely(secure)
            return proceed, answer

        transport_before = server.made.addCallback(lambda _: server.transport)
        proceed, answer = await self.talk(server, script)
        self.assertEqual((proceed, answer), (b"<proceed/>", b"first under TLS;hello"))
        self.assertEqual(await server.lost, ConnectionDone)
        self.assertTrue(await transport_before is server.transport)
        self.assertIn("handshake", server.events)
        self.assertTrue(ISSLTransport.providedBy(server.transport))

    starttls_context: Any


class TLSContract(Contract):
    """What only TLS does."""

    is_tls = True
    max_version: int

    async def test_close_notify_by_us(self) -> None:
        """loseConnection says close_notify: the peer sees an orderly end."""
        server = Conversation()

        def speak(data: bytes) -> None:
            server.transport.write(b"bye")
            server.transport.loseConnection()

        server.on_data = speak

        def script(sock: socket.socket) -> bytes:
            sock.sendall(b"x")
            got = receive_all(sock)  # an end without close_notify would raise
            close_politely(sock)
            return got

        self.assertEqual(await self.talk(server, script), b"bye")
        self.assertEqual(await server.lost, ConnectionDone)

    async def test_close_notify_by_the_peer(self) -> None:
        """It is answered by ours, after what the protocol had to say."""
        server = Conversation()
        server.on_data = lambda data: server.transport.write(b"</stream>")

        def script(sock: Any) -> bytes:
            sock.sendall(b"</stream>")
            answer = receive(sock, 9)
            sock.unwrap()
            return answer

        self.assertEqual(await self.talk(server, script), b"</stream>")
        self.assertEqual(await server.lost, ConnectionDone)

    async def test_end_without_close_notify(self) -> None:
        """It is ConnectionLost, and what came before is handed over."""
        server = Conversation()

        def script(sock: Any) -> None:
            sock.sendall(b"cut off")
            socket.socket(fileno=sock.detach()).close()

        await self.talk(server, script)
        self.assertEqual(await server.lost, ConnectionLost)
        self.assertEqual(bytes(server.received), b"cut off")

    async def test_garbage_for_a_handshake(self) -> None:
        """It is OpenSSL's error, and nobody else's trouble."""
        server = Conversation()
        port = self.listen(server)

        def script() -> None:
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                sock.sendall(b"<?xml version='1.0'?><stream:stream>" * 3)
                with contextlib.suppress(ConnectionResetError):
                    receive_all(sock)

        await deferToThread(script)
        self.assertEqual(await server.lost, SSL.Error)

    async def test_silence_for_a_handshake(self) -> None:
        """One who connects and goes is ConnectionLost, also in the middle of the hello."""
        for hello in (b"", b"\x16\x03\x01\x02\x00\x01"):
            server = Conversation()
            with socket.create_connection(("127.0.0.1", self.listen(server)), 5) as sock:
                sock.sendall(hello)
                await server.made
            self.assertEqual(await server.lost, ConnectionLost)

    async def test_hello_byte_by_byte(self) -> None:
        """A handshake in the smallest pieces succeeds."""
        server = Conversation()
        server.on_data = server.echo
        port = self.listen(server)
        self.assertEqual(await deferToThread(_shake_hands_slowly, port), b"tiny")

    async def test_renegotiation_is_refused(self) -> None:
        """RFC 9325 3.5: a TLS 1.2 peer cannot start another handshake."""
        self.max_version = SSL.TLS1_2_VERSION
        server = Conversation()
        server.on_data = server.echo
        port = self.listen(server)
        self.assertEqual(await deferToThread(_renegotiate, port), "refused")

    async def test_what_tls_tells(self) -> None:
        """The peer's certificate, ALPN's choice and the handshake's end are to be had."""
        server = Conversation()
        server.know_handshake()
        server.on_data = server.echo

        def script(sock: Any) -> tuple[bytes, str]:
            sock.sendall(b"x")
            return receive(sock, 1), sock.selected_alpn_protocol()

        port = self.listen(server)
        sock = await deferToThread(self.client, port)
        self.assertEqual(await deferToThread(script, sock), (b"x", "xmpp-client"))
        self.assertEqual(server.events, ["made", "handshake"])
        self.assertTrue(ISSLTransport.providedBy(server.transport))
        self.assertEqual(server.transport.negotiatedProtocol, b"xmpp-client")
        self.assertEqual(server.transport.getPeerCertificate(), None)
        self.assertEqual(server.transport.getHandle().get_alpn_proto_negotiated(), b"xmpp-client")
        await deferToThread(sock.close)
        await server.lost


def close_politely(sock: Any) -> None:
    """Close, with close_notify if it is TLS."""
    if hasattr(sock, "unwrap"):
        sock.unwrap()


def _shake_hands_slowly(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
        client.set_connect_state()
        steps: list[Callable[[], Any]] = [
            client.do_handshake,
            lambda: client.send(b"tiny"),
            lambda: client.recv(10),
        ]
        result: Any = None
        while steps:
            try:
                result = steps[0]()
                steps.pop(0)
            except SSL.WantReadError:
                _send_in_bytes(client, sock)
                client.bio_write(sock.recv(65536))
        return bytes(result)


def _send_in_bytes(client: SSL.Connection, sock: socket.socket) -> None:
    try:
        for byte in client.bio_read(65536):
            sock.sendall(bytes([byte]))
    except SSL.WantReadError:
        pass


def _renegotiate(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.setblocking(True)
        client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), sock)
        client.set_connect_state()
        client.do_handshake()
        client.send(b"before")
        assert client.recv(6) == b"before"
        client.renegotiate()
        try:
            client.do_handshake()
            client.send(b"after")
            client.recv(5)
        except SSL.Error:
            return "refused"
        return "done" if client.total_renegotiations() else "refused"


class OwnPlainTests(PlainContract, TransportTestCase):
    """Ours, plain."""

    is_own = True

    async def test_tls_can_be_started(self) -> None:
        """A plain transport provides ITLSTransport."""
        server = Conversation()
        sock = await deferToThread(self.client, self.listen(server))
        await server.made
        self.assertTrue(verifyObject(ITLSTransport, server.transport))
        await deferToThread(sock.close)
        await server.lost


class TwistedPlainTests(PlainContract, TransportTestCase):
    """Twisted's, plain."""

    is_own = False


class OwnTLSTests(TLSContract, TransportTestCase):
    """Ours under TLS."""

    is_own = True


class PublicTLSTests(TLSContract, TransportTestCase):
    """Ours under TLS by pyOpenSSL's public calls alone."""

    is_own = True

    def setUp(self) -> None:
        self.patch(tls_socket, "HAS_RAW_CALLS", False)


class TwistedTLSTests(TLSContract, TransportTestCase):
    """Twisted's under TLS."""

    is_own = False
