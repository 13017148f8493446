"""The connections of the proxy for file transfers: back-pressure, limits, and the end."""

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.timers import Timers
from xmppd.net.socks5.connection import ABORT_S, HANDSHAKE_S, SocksConnection
from xmppd.services.bytestreams.bytestreams import Bytestreams, Relaying, key_of

ROMEO, JULIET = "romeo@localhost/orchard", "juliet@localhost/balcony"
KEY = key_of("s5b", ROMEO, JULIET).encode()
METHODS, REQUEST = b"\x05\x01\x00", b"\x05\x01\x00\x03\x28" + KEY + b"\x00\x00"
GRANTED = b"\x05\x00" + b"\x05\x00\x00\x03\x28" + KEY + b"\x00\x00"


class Transport(StringTransport):
    """One that tells whether it is read, and whether it was cut."""

    def abortConnection(self) -> None:
        """Note it."""
        self.aborting = True


class ConnectionTests(SynchronousTestCase):
    """Two parties."""

    def setUp(self) -> None:
        """Nobody has come."""
        self.clock = Clock()
        self.timers = Timers(self.clock)
        self.streams = Bytestreams(self.timers)
        self.closed: list[SocksConnection] = []
        self.serve(0)

    def serve(self, bytes_per_s: int) -> None:
        """Serve with a limit."""
        self.streams.serve(Relaying(bytes_per_s, 300.0, 60.0, 10))

    def come(self, *sent: bytes) -> tuple[SocksConnection, Transport]:
        """Somebody connects, and says something."""
        connection, transport = (
            SocksConnection(self.streams, self.timers, self.closed.append, "x"),
            Transport(),
        )
        connection.makeConnection(transport)  # type: ignore[no-untyped-call]  # Twisted's own
        for data in sent:
            connection.dataReceived(data)
        return connection, transport

    def joined(self, early: bytes = b"") -> tuple[SocksConnection, Transport, SocksConnection, Transport]:
        """Give two that are joined; *early* was sent by the first before it might."""
        one, one_transport = self.come(METHODS, REQUEST + early)
        other, other_transport = self.come(METHODS, REQUEST)
        self.streams.activate("s5b", ROMEO, JULIET)
        for transport in (one_transport, other_transport):
            self.assertTrue(transport.value().startswith(GRANTED))
        return one, one_transport, other, other_transport

    def test_nothing_before(self) -> None:
        """Who waits is not read; what had come already is sent on when the stream begins."""
        _, transport = self.come(METHODS, REQUEST)
        self.assertEqual((transport.value(), transport.producerState), (GRANTED, "paused"))
        self.streams.serve(None)
        self.assertTrue(transport.disconnecting)
        self.serve(0)
        _, _, _, other = self.joined(b"early")
        self.assertEqual(other.value(), GRANTED + b"early")

    def test_both_ways(self) -> None:
        """What one sends the other gets."""
        one, one_transport, other, other_transport = self.joined()
        one.dataReceived(b"hello")
        other.dataReceived(b"good day")
        self.assertEqual(other_transport.value(), GRANTED + b"hello")
        self.assertEqual(one_transport.value(), GRANTED + b"good day")

    def test_back_pressure(self) -> None:
        """A side that takes no more stops the other."""
        _, one_transport, _, other_transport = self.joined()
        assert other_transport.producer is not None
        other_transport.producer.pauseProducing()
        self.assertEqual(one_transport.producerState, "paused")
        other_transport.producer.resumeProducing()
        self.assertEqual(one_transport.producerState, "producing")

    def test_so_much_a_second(self) -> None:
        """Beyond the limit it is not read until the time is over, whatever the other side takes."""
        self.serve(1_000)
        one, one_transport, _, other_transport = self.joined()
        one.dataReceived(b"x" * 2_000)
        self.assertEqual(one_transport.producerState, "paused")
        assert other_transport.producer is not None
        other_transport.producer.resumeProducing()
        self.clock.advance(1.9)
        self.assertEqual(one_transport.producerState, "paused")
        self.clock.advance(0.2)
        self.assertEqual(one_transport.producerState, "producing")

    def test_end(self) -> None:
        """When one goes the other ends, once it has what it was given; one that does not take it is cut."""
        one, _, other, other_transport = self.joined()
        one.dataReceived(b"all of it")
        one.connectionLost(Failure(ConnectionDone()))
        self.assertTrue(other_transport.disconnecting)
        self.assertTrue(other_transport.value().endswith(b"all of it"))
        self.assertIsNone(other_transport.producer)
        self.clock.advance(ABORT_S)
        self.assertTrue(other_transport.aborting)
        other.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.closed, [one, other])
        self.assertEqual(len(self.timers), 0)

    def test_idle(self) -> None:
        """A stream in which something moves, in whichever direction, stays; one in which nothing does ends."""
        one, one_transport, _, other_transport = self.joined()
        for _ in range(3):
            self.clock.advance(200)
            one.dataReceived(b"x")
        self.assertFalse(one_transport.disconnecting or other_transport.disconnecting)
        self.clock.advance(300)
        self.clock.advance(300)
        self.assertTrue(one_transport.disconnecting and other_transport.disconnecting)

    def test_slow_handshake(self) -> None:
        """Who says nothing, or half of it, is sent away; who is refused, at once."""
        _, silent = self.come()
        _, half = self.come(METHODS)
        _, refused = self.come(b"GET / HTTP/1.1\r\n")
        self.assertTrue(refused.disconnecting)
        self.clock.advance(HANDSHAKE_S)
        self.assertTrue(silent.disconnecting and half.disconnecting)
