"""Clients that mean harm, over sockets: promises#floods and the limits beside it, against servers in processes."""

import contextlib
import resource
import time
from contextlib import ExitStack

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.load.login import HEADER
from benchmarks.soak.client import Lost, Silent, client_hello
from tests.sockets.client import SocketClient, connect_many
from tests.sockets.process import ServerProcess, shared_server

ALICE = ("alice@localhost", "alice's secret")
PLAINTEXT = "require_tls = false\nallow_plain_without_tls = true\n"
IDLE_SOCKETS, OPEN_STREAMS, STREAMS_UNDER_TLS = 500, 200, 100
DESCRIPTORS = 2_000
CONNECTION_BYTES = 50_000
MIB = 1024 * 1024
DELAY_S = 0.3
TIMEOUT_S = 2.0
SMALL_OWN = (
    f"{PLAINTEXT}[limits]\nconnections_per_address = 50\nunauthenticated_timeout_s = {TIMEOUT_S}\n"
    f"auth_failures_per_address = 3\nauth_delay_s = {DELAY_S}\nsend_buffer_bytes = {2 * MIB}\n"
)
SMALL = f'{SMALL_OWN}[net]\ntransport = "twisted"\nreactor = "default"\n'
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"


class HostileTestCase(SynchronousTestCase):
    """Attackers and others on one machine, so that all have one address."""

    def log_in(self, server: ServerProcess) -> None:
        """Log in as alice and ping the server: others are served."""
        with SocketClient(server.ports["STARTTLS"]) as client:
            client.log_in("alice", ALICE[1], "desk")
            client.send(b"<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
            client.until(b"id='p'")

    def flood(self, server: ServerProcess, port: str, limit_bytes: int) -> None:
        """Have a client that never reads send itself messages: it is cut, at a bounded price."""
        before = server.resident_bytes()
        with SocketClient(server.ports[port], is_tls=port == "TLS", receive_bytes=4_096) as client:
            client.log_in("alice", ALICE[1], f"deaf-{port}")
            message = b"<message to='alice@localhost/deaf-%s' type='headline'><body>%s</body></message>"
            stanza = message % (port.encode(), b"x" * 200_000)
            sent = 0
            try:
                while sent < 4 * limit_bytes + 32 * MIB:
                    client.send(stanza)
                    sent += len(stanza)
            except Lost:
                pass
            else:
                self.fail(f"{sent} bytes were taken")
            grown = server.resident_bytes() - before
        self.assertLess(grown, 3 * limit_bytes + 8 * MIB)
        self.log_in(server)


class ManyConnectionsTests(HostileTestCase):
    """A server with its defaults, besides passwords in the clear, and how fast clients may send."""

    def setUp(self) -> None:
        """Find the server; have enough descriptors for the attacker."""
        self.server = shared_server(f"{PLAINTEXT}[limits]\nburst_bytes = {64 * MIB}\n", (ALICE,))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < DESCRIPTORS:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard), hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def test_idle_sockets_and_open_streams(self) -> None:
        """500 idle sockets, 300 open streams: others are served, ≤ 50 kB each, all descriptors come back."""
        server = self.server
        self.log_in(server)
        descriptors, resident = server.descriptors(), server.resident_bytes()
        with ExitStack() as attack:
            attack.enter_context(connect_many(IDLE_SOCKETS, server.ports["STARTTLS"]))
            for number in range(OPEN_STREAMS + STREAMS_UNDER_TLS):
                is_tls = number >= OPEN_STREAMS
                port = server.ports["TLS" if is_tls else "STARTTLS"]
                attack.enter_context(SocketClient(port, is_tls=is_tls)).open()
            connections = IDLE_SOCKETS + OPEN_STREAMS + STREAMS_UNDER_TLS
            self.assertGreaterEqual(server.descriptors(), connections)
            self.log_in(server)
            self.assertLess((server.resident_bytes() - resident) / connections, CONNECTION_BYTES)
        self.wait_for_descriptors(descriptors)

    def wait_for_descriptors(self, number: int) -> None:
        """Wait until the server has no more open than *number*."""
        for _ in range(100):
            if self.server.descriptors() <= number:
                return
            time.sleep(0.05)
        self.fail(f"{self.server.descriptors()} descriptors are open, {number} were")

    def test_reader_that_never_reads(self) -> None:
        """At most 16 MB are buffered for it, then it is cut; in the clear and under TLS."""
        self.flood(self.server, "STARTTLS", 16 * MIB)
        self.flood(self.server, "TLS", 16 * MIB)


class SmallLimitsTests(HostileTestCase):
    """A server whose limits are soon reached, on Twisted's own transport and reactor."""

    def setUp(self) -> None:
        """Find the server."""
        self.server = shared_server(SMALL, (ALICE,))

    def test_reader_that_never_reads(self) -> None:
        """limits.send_buffer_bytes."""
        self.flood(self.server, "STARTTLS", 2 * MIB)
        self.flood(self.server, "TLS", 2 * MIB)

    def test_connections_of_an_address(self) -> None:
        """limits.connections_per_address holds over both ports; what is beyond is closed at once."""
        with ExitStack() as stack:
            clients = [
                stack.enter_context(SocketClient(self.server.ports[name]))
                for name in ["STARTTLS"] * 26 + ["TLS"] * 26
            ]
            for _ in range(100):
                closed = sum(client.is_closed() for client in clients)
                if closed >= 2:
                    break
                time.sleep(0.01)
            self.assertEqual(closed, 2)
        self.log_in(self.server)

    def test_trickle(self) -> None:
        """A connection that has not authenticated in time is closed, whatever trickles in."""
        begun = time.monotonic()
        with SocketClient(self.server.ports["STARTTLS"]) as client:
            closed = False
            for byte in HEADER * 10:
                try:
                    client.send(bytes((byte,)))
                    closed = client.read_now(0.1).endswith(b"</stream:stream>")
                except Silent:
                    continue
                except Lost:
                    closed = True
                if closed:
                    break
        self.assertTrue(closed)
        self.assertGreater(time.monotonic() - begun, TIMEOUT_S - 0.2)

    def test_guesses(self) -> None:
        """Beside somebody who guesses passwords from the same address a correct login is taken."""
        for _ in range(4):
            with SocketClient(self.server.ports["STARTTLS"]) as attacker:
                attacker.open()
                attacker.send(
                    b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAGd1ZXNz</auth>"
                )
                try:
                    attacker.until(b"</failure>", timeout_s=0.3)
                except Silent:
                    break
        else:
            self.fail("no guess was delayed")
        self.log_in(self.server)


class HandshakeTests(HostileTestCase):
    """A TLS handshake that is not finished in time ends with the deadline, since no error could be told by then."""

    def test_on_our_transport(self) -> None:
        """limits.unauthenticated_timeout_s, direct TLS and STARTTLS."""
        self.unfinished(shared_server(SMALL_OWN, (ALICE,)))

    def test_on_twisted_s_transport(self) -> None:
        """The same on Twisted's."""
        self.unfinished(shared_server(SMALL, (ALICE,)))

    def unfinished(self, server: ServerProcess) -> None:
        """Begin handshakes and finish none: silence, half a message, a whole one, one in small pieces."""
        hello = client_hello()
        with ExitStack() as attack:
            clients = []
            for port in ("TLS", "STARTTLS"):
                for said in (b"", hello[:100], hello, b""):
                    client = attack.enter_context(SocketClient(server.ports[port]))
                    if port == "STARTTLS":
                        client.open()
                        client.send(STARTTLS)
                        client.until(b"<proceed")
                    client.send(said)
                    clients.append(client)
            for byte in hello:
                with contextlib.suppress(Lost):
                    for client in (clients[3], clients[-1]):
                        client.send(bytes((byte,)))
                time.sleep(1.2 * TIMEOUT_S / len(hello))
            open_ = [number for number, client in enumerate(clients) if not client.is_closed()]
            self.assertEqual(open_, [])
        self.log_in(server)
