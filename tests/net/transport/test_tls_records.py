"""TLS records that only an attacker or a very careful peer sends: key updates, and hellos after the handshake."""

import select
import socket

from OpenSSL import SSL

from tests.net.transport.records import APPLICATION_DATA, CLIENT_HELLO, HANDSHAKE, Client12, Client13
from tests.net.transport.test_transport_own import Case
from tests.net.transport.transports import server_context

FLOOD = 2_000
MOST_READS = 50


class RecordTests(Case):
    """A server of ours, and a peer that makes its records itself."""

    def setUp(self) -> None:
        super().setUp()
        ours, self.other = self.pair()
        self.other.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.server = self.connect(ours)
        self.server.transport.startTLS(server_context())

    def reads(self, records: bytes) -> list[int]:
        """Send *records*; give how many bytes each of the server's first reads took from the kernel."""
        self.reactor.settle()
        self.other.setblocking(True)
        self.other.sendall(records)
        taken, left = [], self.waiting()
        for _ in range(MOST_READS):
            self.server.transport.doRead()
            taken.append(left - self.waiting())
            left -= taken[-1]
        return taken

    def waiting(self) -> int:
        """Give how many bytes wait for the server in the kernel."""
        peeked: bytes = self.server.transport._socket.recv(1 << 20, socket.MSG_PEEK)
        return len(peeked)

    def test_a_flood_of_key_updates(self) -> None:
        """RFC 8446 4.6.3 sets no limit to them: a turn deals with one, and others have theirs."""
        client = Client13(self.other, self.reactor.turn)
        taken = self.reads(b"".join(client.key_update() for _ in range(FLOOD)))
        self.assertLessEqual(max(taken), len(client.key_update()))
        self.assertGreater(min(taken), 0)

    def test_a_flood_of_hellos(self) -> None:
        """The same with renegotiation, which each time is refused by an alert (TLS 1.2)."""
        client = Client12(self.other, self.reactor.turn)
        hello = client.record(HANDSHAKE, CLIENT_HELLO)
        taken = self.reads(hello + b"".join(client.record(HANDSHAKE, CLIENT_HELLO) for _ in range(FLOOD)))
        self.assertLessEqual(max(taken), 2 * len(hello))
        self.assertGreater(min(taken), 0)

    def test_data_behind_key_updates(self) -> None:
        """It arrives, and what we send then is under new keys where that was asked for."""
        client = Client13(self.other, self.reactor.turn)
        for number in range(20):
            self.other.sendall(client.key_update(is_answer_wanted=number % 2 == 0))
            self.other.sendall(client.record(APPLICATION_DATA, b"%d," % number))
        self.reactor.settle()
        self.assertEqual(bytes(self.server.received), b"".join(b"%d," % number for number in range(20)))
        self.server.transport.write(b"answer")
        self.reactor.settle()
        self.assertEqual((client.connection.recv(10), self.server.reason), (b"answer", None))

    def test_key_updates_while_output_is_blocked(self) -> None:
        """The answer waits for the record that is half sent; nothing is lost or sent twice. (OpenSSL 4.0 ends the
        connection itself, and no other, at the second one that wants an answer meanwhile.)"""
        self.server.transport._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client = Client13(self.other, self.reactor.turn)
        self.reactor.settle()
        sent = bytes(range(256)) * 4096
        self.server.transport.write(sent)
        self.reactor.turn()
        self.assertIn(self.server.transport, self.reactor.writers)
        self.other.sendall(client.key_update(is_answer_wanted=True))
        for number in range(5):
            self.other.sendall(client.record(APPLICATION_DATA, b"x"))
            self.reactor.turn()
            self.server.transport.write(b"%d" % number)
        got = self.received(client.connection, len(sent) + 5)
        self.assertEqual((got[: len(sent)] == sent, got[len(sent) :]), (True, b"01234"))
        self.assertEqual(bytes(self.server.received), b"x" * 5)

    def received(self, connection: SSL.Connection, size: int) -> bytes:
        """Give what the client reads while the server has its turns."""
        got = bytearray()
        while len(got) < size:
            try:
                got += connection.recv(65536)
            except SSL.WantReadError:
                self.assertTrue(self.reactor.turn() or select.select([self.other], [], [], 1)[0])
        return bytes(got)
