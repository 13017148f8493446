"""What a protocol may rely on: the same tests over Twisted's transport and over ours, plain and under TLS."""

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import ISSLTransport, ITLSTransport
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from zope.interface.verify import verifyObject

from tests.net.transport.contract import Contract
from tests.net.transport.transports import (
    Conversation,
    TransportTestCase,
    close_politely,
    reactor,
    receive,
    receive_all,
    under_tls,
)
from xmppd.net.transport import tls_socket
from xmppd.net.transport.twisted_transport import connection_of


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
