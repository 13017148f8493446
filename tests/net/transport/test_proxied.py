"""Behind a balancer: its header is read first, the client's address counts, and nobody else is believed."""

import contextlib
import socket
from collections.abc import Callable
from ipaddress import ip_network

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from benchmarks.load.login import HEADER
from benchmarks.soak.client import Lost
from tests.dialogues import socket_stage
from tests.dialogues.socket_stage import SocketStage
from tests.net.transport.listening import FakeReactor
from tests.net.transport.test_proxy_header import STREAM, TLV, binary, block
from tests.sockets.client import SocketClient
from xmppd.net.streams.c2s import C2SFactory
from xmppd.net.transport.listen import PeerAddress
from xmppd.net.transport.proxied import ProxiedAcceptor

TIMEOUT_S = 30.0
BALANCER = ("10.1.2.3", 40_000)
LINE = b"PROXY TCP4 198.51.100.7 192.0.2.1 56324 5222\r\n"
CLIENT = ("198.51.100.7", 56324)


@implementer(ILogObserver)
class Logged:
    """What was logged of why connections end: of a balancer's, or others."""

    def __init__(
        self, case: SynchronousTestCase, field: str = "why", begin: str = "A connection of the balancer"
    ) -> None:
        self.lines: list[str] = []
        self._field = field
        self._begin = begin
        globalLogPublisher.addObserver(self)
        case.addCleanup(globalLogPublisher.removeObserver, self)

    def __call__(self, event: LogEvent) -> None:
        if str(event.get("log_format")).startswith(self._begin):
            self.lines.append(event[self._field])


class ProxiedAcceptorTests(SynchronousTestCase):
    """`ProxiedAcceptor`, with a reactor whose readers the test calls."""

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.accepted: list[tuple[socket.socket, PeerAddress]] = []
        self.logged = Logged(self)
        proxies = (ip_network("10.0.0.0/8"), ip_network("fe80::/10"))
        self.acceptor = ProxiedAcceptor(
            lambda sock, peer: self.accepted.append((sock, peer)), self.reactor, proxies, lambda: TIMEOUT_S
        )

    def connect(self, peer: PeerAddress = BALANCER) -> socket.socket:
        """Give the other end of a connection that was accepted from *peer*."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.settimeout(5)
        self.addCleanup(theirs.close)
        self.addCleanup(ours.close)
        self.acceptor(ours, peer)
        return theirs

    def turn(self) -> None:
        """Have the readers read."""
        for reader in list(self.reactor.readers):
            reader.doRead()

    def nothing_is_left(self) -> None:
        """No reader and no deadline."""
        self.assertEqual((self.reactor.readers, self.reactor.getDelayedCalls()), (set(), []))
        self.assertEqual(self.acceptor.waiting, {})

    def test_header(self) -> None:
        """It goes on with the client's address, and everything behind the header is still to be read."""
        for header, client in (
            (LINE, CLIENT),
            (binary(0x21, block("2001:db8::7", 9, TLV)), ("2001:db8::7", 9, 0, 0)),
        ):
            theirs = self.connect()
            for byte in header:  # no balancer does that
                self.assertEqual(self.accepted, [])
                theirs.send(bytes([byte]))
                self.turn()
            ((sock, peer),) = self.accepted
            self.accepted.clear()
            self.assertEqual(peer, client)
            theirs.send(STREAM)
            self.assertEqual(sock.recv(1_000), STREAM)
            self.nothing_is_left()

    def test_header_and_more(self) -> None:
        """What came with it is not read."""
        self.connect().send(LINE + STREAM)
        self.turn()
        self.assertEqual(self.accepted[0][0].recv(1_000), STREAM)

    def test_of_the_balancer_itself(self) -> None:
        """A look whether we are well (LOCAL) comes from it; one that ends at once is worth no line."""
        self.connect().send(binary(0, command=0x20))
        self.turn()
        self.assertEqual(self.accepted[0][1], BALANCER)
        self.connect().close()
        self.turn()
        self.assertEqual((len(self.accepted), self.logged.lines), (1, []))
        self.nothing_is_left()

    def test_others(self) -> None:
        """Who is not trusted connects directly, and the first byte is its own."""
        for peer in (("192.0.2.9", 1), ("2001:db8::1", 1, 0, 0)):
            self.connect(peer)
            self.assertEqual(self.accepted.pop()[1], peer)
        self.nothing_is_left()

    def test_zone(self) -> None:
        """An address of this link is one of the network, whatever the interface."""
        self.connect(("fe80::1%eth0", 1, 0, 2)).send(LINE)
        self.turn()
        self.assertEqual(self.accepted[0][1], CLIENT)

    def refused(self, why: str) -> None:
        """One line says *why*, and the connection is closed."""
        self.assertEqual(self.accepted, [])
        self.assertEqual(len(self.logged.lines), 1)
        self.assertIn(why, self.logged.lines[0])
        self.nothing_is_left()

    def test_broken(self) -> None:
        """One that is none closes the connection at once."""
        theirs = self.connect()
        theirs.send(STREAM)
        self.turn()
        self.refused("begins with no header")
        self.assertTrue(is_cut(theirs))

    def test_cut(self) -> None:
        """One that ends in the middle."""
        theirs = self.connect()
        theirs.send(LINE[:20])
        self.turn()
        theirs.close()
        self.turn()
        self.refused("ends within its header")

    def test_too_late(self) -> None:
        """One that does not come, or does not end, whatever comes meanwhile."""
        theirs = self.connect()
        for byte in LINE[:-1]:
            theirs.send(bytes([byte]))
            self.turn()
            self.reactor.advance(TIMEOUT_S / len(LINE))
        self.assertEqual(len(self.acceptor.waiting), 1)
        self.reactor.advance(1.0)
        self.refused("does not come")

    def test_reset(self) -> None:
        """A connection that breaks, or that the reactor gives up."""
        self.connect()
        (reader,) = self.reactor.readers
        reader.connectionLost(None)
        self.nothing_is_left()
        self.assertEqual((reader.fileno(), self.logged.lines), (-1, []))

    def test_stop(self) -> None:
        """Nobody waits for a header when the port is closed."""
        theirs = self.connect()
        self.acceptor.stop()
        self.nothing_is_left()
        self.assertEqual(theirs.recv(1), b"")

    def test_protocol_that_fails(self) -> None:
        """It is the fault of one connection, and is logged as one."""

        def fail(sock: socket.socket, peer: PeerAddress) -> None:
            raise LookupError

        self.acceptor.accept = fail
        theirs = self.connect()
        theirs.send(LINE)
        self.turn()
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        self.assertEqual(theirs.recv(1), b"")


def is_cut(sock: socket.socket) -> bool:
    """Whether the server ends the connection, in whatever way, without a word."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


class BehindABalancerTests(TestCase):
    """A server on loopback sockets, on both transports, by STARTTLS and by direct TLS."""

    timeout = 30

    def on_each(
        self,
        talk: Callable[[SocketStage, bool], None],
        options: str = "",
        proxies: str = "127.0.0.0/8",
        after: Callable[[bool], None] = lambda is_direct: None,
    ) -> Deferred[None]:
        """Have *talk* connect, in a thread, and look *after* it when the server has stopped."""

        async def script() -> None:
            for transport in ("xmppd", "twisted"):
                self.patch(socket_stage, "TRANSPORT", transport)
                for is_direct in (False, True):
                    text = f'[c2s]\nproxy_protocol_from = ["{proxies}"]\n{options}'
                    stage = SocketStage(self, text, is_direct_tls=is_direct)
                    try:
                        await deferToThread(talk, stage, is_direct)
                    finally:
                        await stage.stop()
                    after(is_direct)

        return Deferred.fromCoroutine(script())

    def test_addresses(self) -> Deferred[None]:
        """The limit of connections is one of each client's address, whoever passes them on."""
        limits = "[limits]\nconnections_per_address = 1\n"

        def talk(stage: SocketStage, is_direct: bool) -> None:
            headers = (LINE, binary(0x21, block("2001:db8::7", 9, TLV)), binary(0, command=0x20))
            clients = [SocketClient(stage.port) for _ in headers]
            for client, header in zip(clients, headers, strict=True):
                client.send(header)
                if is_direct:
                    client.begin_tls()
                client.open()
            factory = stage.factories[is_direct]
            assert isinstance(factory, C2SFactory)
            peers = sorted(protocol.peer for protocol in factory.connections)
            self.assertEqual(peers, ["127.0.0.1", "198.51.100.7", "2001:db8::7"])
            self.assertEqual([factory.addresses[peer] for peer in peers], [1, 1, 1])
            with SocketClient(stage.port) as second:
                with contextlib.suppress(Lost):
                    second.send(LINE)
                self.assertEqual(second.until_closed(), b"")
            for client in clients:
                client.close()

        return self.on_each(talk, limits)

    def test_header_of_a_stranger(self) -> Deferred[None]:
        """Who is not trusted may not say such a thing: the connection ends, and one line says why."""
        logged = Logged(self, "reason", "Stream ended")

        def talk(stage: SocketStage, is_direct: bool) -> None:
            with socket.create_connection(("127.0.0.1", stage.port), 5) as client:
                client.sendall(LINE)
                while client.recv(4_096):
                    pass

        def after(is_direct: bool) -> None:
            said, logged.lines = logged.lines, []
            why = (
                "TLS handshake failed: wrong version number"
                if is_direct
                else "not-well-formed (a PROXY protocol"
            )
            self.assertEqual([line[: len(why)] for line in said], [why])

        return self.on_each(talk, proxies="192.0.2.7", after=after)

    def test_without_a_header(self) -> Deferred[None]:
        """A balancer that sends none is not served, even in a hurry."""

        def talk(stage: SocketStage, is_direct: bool) -> None:
            with SocketClient(stage.port) as client:
                with contextlib.suppress(Lost):  # it may be cut by now
                    client.send(HEADER)
                self.assertEqual(client.until_closed(), b"")

        return self.on_each(talk)
