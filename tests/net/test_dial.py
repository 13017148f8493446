"""Connections that go out, on both transports, to sockets on loopback."""

import socket
from typing import Any, ClassVar

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.net.tls.authority import NOW, Authority
from tests.net.transport.transports import Conversation, server_context
from tests.temporary import temporary_folder
from xmppd.config.limits import Limits
from xmppd.core.outgoing import CannotConnect
from xmppd.core.waiting import deferred
from xmppd.net.dial import OwnDial, StockDial, dialer
from xmppd.net.tls.certificates import CertificateStore
from xmppd.net.tls.contexts import TLSContexts

reactor: Any = global_reactor
HOST = "127.0.0.1"
TIMEOUT_S = 5.0


class DialTests(TestCase):
    """On our own transport."""

    timeout = 20
    is_stock: ClassVar[bool] = False

    def setUp(self) -> None:
        self.dial = dialer(reactor, self.is_stock, Limits)
        self.listening = socket.create_server((HOST, 0))
        self.listening.settimeout(TIMEOUT_S)
        self.addCleanup(self.listening.close)
        self.port = self.listening.getsockname()[1]

    def test_which_transport(self) -> None:
        """As the configuration says."""
        self.assertIsInstance(self.dial, StockDial if self.is_stock else OwnDial)

    @deferred
    async def test_a_connection(self) -> None:
        """The protocol is connected when it is given; bytes go both ways."""
        made = await self.dial(HOST, self.port, Conversation)
        self.assertEqual(made.events, ["made"])
        self.assertEqual(made.transport.getPeer().port, self.port)
        made.transport.write(b"ping")

        def answer() -> bytes:
            peer, _ = self.listening.accept()
            with peer:
                peer.settimeout(TIMEOUT_S)
                got = peer.recv(4)
                peer.sendall(b"pong")
                return got

        got = await deferToThread(answer)
        await made.has_received(4)
        await made.lost
        self.assertEqual((got, bytes(made.received)), (b"ping", b"pong"))

    @deferred
    async def test_direct_tls(self) -> None:
        """With SNI and ALPN, before the first byte (XEP-0368)."""
        folder, authority = temporary_folder(self), Authority()
        ours = TLSContexts(CertificateStore([authority.write_host(folder, "a.example")], lambda: NOW))
        seen: list[bytes] = []

        def serve() -> bytes:
            from OpenSSL import SSL

            context = server_context()
            context.set_tlsext_servername_callback(lambda it: seen.append(it.get_servername() or b""))
            peer, _ = self.listening.accept()
            peer.settimeout(None)
            tls = SSL.Connection(context, peer)
            tls.set_accept_state()
            tls.do_handshake()
            seen.append(tls.get_alpn_proto_negotiated())
            got = tls.recv(4)
            tls.sendall(b"pong")
            tls.shutdown()
            peer.close()
            return got

        served = deferToThread(serve)
        creator = ours.s2s_out.creator_for("a.example", "b.example", is_direct=True)
        made = await self.dial(HOST, self.port, Conversation, tls=creator)
        made.transport.write(b"ping")
        got = await served
        await made.has_received(4)
        await made.lost
        self.assertEqual((got, seen), (b"ping", [b"b.example", b"xmpp-server"]))

    @deferred
    async def test_nobody_listens(self) -> None:
        """One line says where and why; nothing is made."""
        self.listening.close()
        try:
            await self.dial(HOST, self.port, Conversation)
        except CannotConnect as error:
            self.assertIn(f"{HOST}:{self.port}: ", str(error))
            self.assertIn("refused", str(error))
        else:
            self.fail("it is connected")

    @deferred
    async def test_not_an_address(self) -> None:
        """Names are not looked up here: the reactor would, in its own way."""
        if self.is_stock:
            return
        try:
            await self.dial("256.1.1.1", self.port, Conversation)
        except CannotConnect:
            return
        self.fail("it is connected")

    def test_cancelled(self) -> None:
        """Who waits no more leaves nothing behind: trial looks for what the reactor still holds."""
        waiting: Deferred[Conversation] = self.dial(HOST, self.port, Conversation)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)


class StockDialTests(DialTests):
    """On Twisted's."""

    is_stock = True


class TimeTests(TestCase):
    """`OwnDial` and time."""

    def test_no_answer_in_time(self) -> None:
        """A peer whose backlog is full does not answer: we wait so long, and no longer."""
        listening = socket.socket()
        self.addCleanup(listening.close)
        listening.bind((HOST, 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        for _ in range(4):
            filler = socket.socket()
            self.addCleanup(filler.close)
            filler.setblocking(False)
            filler.connect_ex((HOST, port))
        waiting: Deferred[Conversation] = OwnDial(reactor, Limits, 0.05)(HOST, port, Conversation)
        return self.assertFailure(waiting, CannotConnect)  # type: ignore[return-value]  # trial waits for it
