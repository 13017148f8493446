"""What is left of a session when it has ended: nothing that only the garbage collector could find."""

import gc
from base64 import b64encode

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.streams.c2s import C2SProtocol
from xmppd.testing.client import PASSWORD
from xmppd.testing.server import MemoryServer

OPTIONS = "[c2s]\nrequire_tls = false\nallow_plain_without_tls = true\n"
ADDRESS = IPv4Address("TCP", "127.0.0.1", 40_000)
HEADER = (
    b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    b"xmlns:stream='http://etherx.jabber.org/streams'>"
)
BIND = (
    b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>"
)
ROSTER = b"<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>"
MESSAGE = b"<message to='%b' type='chat' id='m'><body>hello</body></message>"
WAYS = {
    "with an end tag": b"</stream:stream>",
    "in the middle of a stanza": b"<message to='alice@localhost'><bo",
    "after an error in its XML": b"<message><a></b></message>",
    "after a forged from": b"<message from='bob@localhost/x'/>",
    "after a stanza that is too big": b"<message><body>" + bytes(300_000).replace(b"\0", b"x"),
    "without a word": b"",
}
"""How a session comes to its end, and what its client says last."""


OF_A_CONNECTION = frozenset(("Session", "C2SProtocol", "ClientStream", "Framer", "Wire"))
"""Where a coroutine fails, Twisted leaves a circle of the Deferred, its Failure and its frames: small, and without
these."""


class Wire:
    """The server's end of a connection that keeps what is written."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.protocol: C2SProtocol | None = None

    def getPeer(self) -> IPv4Address:
        """Give the client's address."""
        return ADDRESS

    def write(self, data: bytes) -> None:
        """Keep *data*."""
        self.written.append(data)

    def pauseProducing(self) -> None:
        """Nothing comes by itself."""

    resumeProducing = pauseProducing

    def loseConnection(self) -> None:
        """End the connection."""
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))

    abortConnection = loseConnection


class CycleTests(SynchronousTestCase):
    """With the collector off, a whole server in memory, and clients that leave in many ways."""

    def setUp(self) -> None:
        """A server with two accounts that has seen a login: what is made once is there."""
        self.patch(globalLogPublisher, "_observers", [])  # one that remembers events holds their sources
        self.memory = MemoryServer(OPTIONS)
        for name in ("alice", "bob"):
            self.memory.add_account(f"{name}@localhost")
        self.come_and_go(b"")
        self.addCleanup(gc.enable)
        self.addCleanup(gc.set_debug, gc.get_debug())
        gc.collect()
        gc.disable()

    def connect(self) -> Wire:
        """Open a connection."""
        wire = Wire()
        protocol = self.memory.factory.buildProtocol(ADDRESS)
        assert protocol is not None
        wire.protocol = protocol
        protocol.makeConnection(wire)  # type: ignore[no-untyped-call]  # Twisted's own
        return wire

    def say(self, wire: Wire, *pieces: bytes) -> bytes:
        """Send *pieces*; give all that was answered."""
        wire.written.clear()
        for piece in pieces:
            if wire.protocol is not None:
                wire.protocol.dataReceived(piece)
        return b"".join(wire.written)

    def log_in(self, password: str = PASSWORD) -> Wire:
        """Take a connection to an available session."""
        wire = self.connect()
        credentials = b64encode(f"\0alice\0{password}".encode())
        auth = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%b</auth>" % credentials
        self.say(wire, HEADER, auth)
        return wire

    def come_and_go(self, last_words: bytes) -> None:
        """Log in, talk to oneself and to who is not there, and leave."""
        wire = self.log_in()
        answer = self.say(wire, HEADER, BIND, ROSTER, b"<presence/>", MESSAGE % b"alice@localhost/r")
        self.assertIn(b"hello", answer)
        refused = self.say(wire, MESSAGE % b"nobody@localhost", MESSAGE % b"@", b"<iq type='get' id='x'/>")
        self.assertEqual(refused.count(b"type='error'"), 3, refused)
        self.say(wire, last_words)
        wire.loseConnection()

    def assert_no_cycles(self, how: str, of: frozenset[str] | None = None) -> None:
        """The collector finds nothing that reference counting has left behind; no instance *of* these, if given."""
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)
        left, gc.garbage[:] = {type(thing).__qualname__ for thing in gc.garbage}, []
        gc.collect()
        self.assertEqual(sorted(left if of is None else left & of), [], how)

    def test_however_a_session_ends(self) -> None:
        """No cycles at teardown, whether it ends with an end tag, with an error, or all of a sudden.

        promises#memory.
        """
        for how, last_words in WAYS.items():
            self.come_and_go(last_words)
            self.memory.clock.advance(60)
            self.assertEqual(len(self.memory.server.registry), 0)
            self.assert_no_cycles(how)

    def test_who_does_not_get_in(self) -> None:
        """Before authentication too: a header alone, nonsense, a wrong password, too little time."""
        for words in ((), (HEADER,), (b"nonsense",)):
            wire = self.connect()
            self.say(wire, *words)
            wire.loseConnection()
            self.assert_no_cycles(repr(words))
        self.log_in("wrong").loseConnection()
        self.memory.clock.advance(60)
        self.assert_no_cycles("a wrong password", OF_A_CONNECTION)
        self.connect()
        self.memory.clock.advance(600)
        self.assert_no_cycles("too little time")

    def test_who_is_replaced(self) -> None:
        """A session that loses its resource to another (RFC 6120 7.7.2.2)."""
        for _ in range(2):
            self.say(self.log_in(), HEADER, BIND, ROSTER, b"<presence/>")
        self.assertEqual(len(self.memory.server.registry), 1)
        self.memory.clock.advance(60)
        self.assert_no_cycles("replaced")
