"""What clients by the web send and read: frames, and requests by two connections."""

import socket
import time
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase
from websockets.frames import Frame
from websockets.protocol import SERVER, Protocol

from benchmarks.load.loop import LoadError, Loop
from benchmarks.load.web import BOSHClient, WebSocketClient
from benchmarks.soak.web import for_the_web, frame

MESSAGE = b"<message to='a@b'><body>x</body></message>"
ON_THE_WEB = b"<message xmlns='jabber:client' to='a@b'><body>x</body></message>"


class WebTestCase(SynchronousTestCase):
    """A server's end that a test reads and writes."""

    def setUp(self) -> None:
        """Listen."""
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.port = self.server.getsockname()[1]
        self.loop = Loop(time.monotonic() + 10)
        self.addCleanup(self.loop.close)


class WebSocketTests(WebTestCase):
    """`WebSocketClient`, and frames of the soak."""

    def read(self, data: bytes) -> list[bytes]:
        """What a server reads in it."""
        library = Protocol(SERVER)
        library.receive_data(data)
        return [bytes(event.data) for event in library.events_received() if isinstance(event, Frame)]

    def test_frames(self) -> None:
        """Of any size, several behind one another; a stanza has its namespace."""
        client = WebSocketClient(self.loop, self.port)
        self.addCleanup(client.close)
        self.assertEqual(self.read(client.packed(MESSAGE) * 2), [ON_THE_WEB] * 2)
        long = b"<a>" + b"x" * 1_000 + b"</a>"
        self.assertEqual(self.read(client.packed(long)), [long])
        self.assertEqual(self.read(frame(long) + frame(b"x")), [long, b"x"])
        self.assertEqual(for_the_web(MESSAGE * 2), [ON_THE_WEB] * 2)

    def test_pings(self) -> None:
        """They are answered, and are nothing that is counted."""
        client = WebSocketClient(self.loop, self.port)
        self.addCleanup(client.close)
        heard: list[bytes] = []
        client.receive = heard.append
        with closing(self.server.accept()[0]) as peer:
            peer.sendall(b"\x89\x02hi")
            self.loop.settle(0.1)
            self.assertEqual(peer.recv(100), b"\x8a\x82\0\0\0\0hi")
        self.assertEqual(heard, [])


class BOSHTests(WebTestCase):
    """`BOSHClient`."""

    def setUp(self) -> None:
        """A client with its two connections."""
        super().setUp()
        self.client = BOSHClient(self.loop, self.port)
        self.addCleanup(self.client.close)
        self.peers = [self.server.accept()[0] for _ in range(2)]
        for peer in self.peers:
            peer.settimeout(5)
            self.addCleanup(peer.close)
        self.heard: list[bytes] = []
        self.client.receive = self.heard.append

    def answer(self, place: int, body: bytes) -> None:
        """Answer on a connection."""
        self.peers[place].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        self.loop.settle(0.05)

    def test_one_request_waits(self) -> None:
        """What is said when both connections are taken goes with the next answer; silence is asked for."""
        self.client.open_stream("localhost")
        self.assertIn(b"wait='60'", self.peers[0].recv(2_000))
        self.answer(0, b"<body sid='s1'/>")
        self.assertIn(b"sid='s1'", self.peers[1].recv(2_000))
        for _ in range(3):
            self.client.send(MESSAGE)
        self.assertEqual(self.peers[0].recv(4_000).count(ON_THE_WEB), 1)
        self.answer(1, b"<body/>")
        self.assertEqual(self.peers[1].recv(4_000).count(ON_THE_WEB), 2)
        self.assertEqual(self.heard, [b"<body sid='s1'/>", b"<body/>"])

    def test_the_end(self) -> None:
        """A session that ends under the load is an error."""
        self.client.open_stream("localhost")
        self.peers[0].recv(2_000)
        with self.assertRaises(LoadError):
            self.answer(0, b"<body sid='s1' type='terminate'/>")
