"""Two servers in memory reach each other by what their environments give them: names and connections."""

from typing import Any

from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.outgoing import CannotConnect, Service
from xmppd.testing.network import MemoryNetwork
from xmppd.testing.server import MemoryServer


class Caller(Protocol):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.is_over = False

    def dataReceived(self, data: bytes) -> None:
        """Keep *data*."""
        self.heard += data

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Note it."""
        self.is_over = True


class NetworkTests(SynchronousTestCase):
    """a.example calls b.example."""

    def setUp(self) -> None:
        network = MemoryNetwork(Clock())
        self.a = MemoryServer('[hosts."a.example"]\n', network=network)
        self.b = MemoryServer('[hosts."b.example"]\n', network=network)
        network.records["_xmpp-client._tcp.b.example"] = (Service(0, 0, 5222, "xmpp.b.example"),)
        network.names["xmpp.b.example"] = ("192.0.2.1",)
        network.listening["192.0.2.1", 5222] = self.b.factory.buildProtocol
        self.network: Any = self.a.network

    def test_a_stream_between_them(self) -> None:
        """The name is resolved, the connection made, a header answered, and the end comes to both."""
        [service] = self.successResultOf(self.network.services("_xmpp-client._tcp.b.example"))
        [address] = self.successResultOf(self.network.addresses(service.target))
        caller = self.successResultOf(self.network.dial(address, service.port, Caller))
        caller.transport.write(
            b"<stream:stream to='b.example' version='1.0' xmlns='jabber:client' "
            b"xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        self.a.settle()
        self.assertIn(b"from='b.example'", caller.heard)
        self.assertEqual(len(self.b.factory.connections), 1)
        caller.transport.write(b"</stream:stream>")
        self.a.settle()
        self.assertTrue(caller.heard.endswith(b"</stream:stream>"))
        self.assertTrue(caller.is_over)
        self.assertEqual(len(self.b.factory.connections), 0)

    def test_nobody_there(self) -> None:
        """As on a real network: a name may stand for nothing, and a port be closed."""
        self.assertEqual(self.successResultOf(self.network.addresses("c.example")), ())
        self.failureResultOf(self.network.dial("192.0.2.1", 5269, Caller), CannotConnect)
