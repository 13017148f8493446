"""What our transport leaves to the collector of garbage: nothing."""

import gc
import weakref
from typing import Any

from OpenSSL import SSL
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.net.transport.test_transport_own import Case, Recorder


class LitterTests(Case):
    """Nothing is left behind."""

    def test_no_dict(self) -> None:
        """An instance has slots only."""
        server, _ = self.tls_pair()
        self.assertFalse(hasattr(server.transport, "__dict__"))

    def test_no_cycles(self) -> None:
        """After the end transport and protocol go without the garbage collector, whichever way it ended."""
        gc.disable()
        self.addCleanup(gc.enable)
        for end in (self._close, self._abort, self._break_tls, self._reset_plain):
            references = end()
            self.reactor.flush_queue.flush()
            self.assertEqual([reference() for reference in references], [None, None], end.__name__)

    def _close(self) -> list[Any]:
        server, _ = self.tls_pair()
        server.transport.loseConnection()
        self.reactor.settle()
        return self._references(server)

    def _abort(self) -> list[Any]:
        server, _ = self.tls_pair()
        server.transport.write(b"x")
        server.transport.abortConnection()
        self.reactor.settle()
        return self._references(server)

    def _break_tls(self) -> list[Any]:
        server, client = self.tls_pair()
        client.transport._socket.send(b"no record" * 10)
        self.reactor.readers.discard(client.transport)
        self.reactor.settle()
        self.assertEqual(self.reason_of(server), SSL.Error)
        return self._references(server)

    def _reset_plain(self) -> list[Any]:
        ours, other = self.pair()
        server = self.connect(ours)
        server.transport.write(b"not read")
        self.reactor.settle()
        other.close()  # with something unread: a reset
        self.reactor.settle()
        return self._references(server)

    def _references(self, server: Recorder) -> list[Any]:
        self.assertIsNotNone(server.reason)
        return [weakref.ref(server), weakref.ref(server.transport)]

    def test_calls_after_the_end(self) -> None:
        """They do nothing."""
        for server in (self.tls_pair()[0], self.connect(self.pair()[0])):
            transport = server.transport
            transport.abortConnection()
            self.reactor.settle()
            transport.write(b"x")
            transport.loseConnection()
            transport.abortConnection()
            transport.loseWriteConnection()
            transport.pauseProducing()
            transport.resumeProducing()
            transport.setTcpNoDelay(True)
            transport.doRead()
            transport.doWrite()
            transport.connectionLost(Failure(ConnectionDone()))
            self.reactor.settle()
            self.assertEqual(
                (transport.fileno(), transport.tls_connection, transport.disconnected), (-1, None, True)
            )
        self.assertEqual((self.reactor.readers & {transport}, self.reactor.writers), (set(), set()))
