"""What one stream has left goes by the next under other numbers (XEP-0198 5), and either server is killed meanwhile."""

from twisted.trial.unittest import SynchronousTestCase

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from tests.services.federation.sending import HELD_S, JULIET, NS, Sending
from xmppd.services.federation.outbound import Item
from xmppd.services.federation.pair import SLICE
from xmppd.services.federation.rows import STORE
from xmppd.services.federation.sent import left_of, mark_of
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import part_of
from xmppd.testing.peers import PeerServer
from xmppd.testing.server import now

OWNER = part_of(CAPULET, MONTAGUE)
MANY = 2 * SLICE + 50
MOMENT_S = 0.01
COMMIT_S = 0.05
MOMENTS = 40


class RenumberingTests(Two):
    """Juliet is acknowledged more than leaves in one turn, on a stream that breaks and that nobody goes on with."""

    s2s = "retry_min_s = 1\nretry_max_s = 1"

    def setUp(self) -> None:
        """Let Romeo's server be killed before it has got any of it."""
        super().setUp()
        self.juliet.send("<enable xmlns='urn:xmpp:sm:3'/>")
        self.romeo.send("<presence/>")
        self.say("first")
        self.came(self.romeo)
        for wire in self.network.wires:
            wire.is_frozen = wire.protocol is not None
        for index in range(MANY):
            self.juliet.send(f"<message to='romeo@{MONTAGUE}' type='chat'><body>{index}</body></message>")
        self.settle(MOMENT_S)
        self.montague = self.again(self.montague)
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")
        self.romeo.send("<presence/>")
        self.capulet.storage.clock = self.network.clock
        self.capulet.storage.commit_delay_s = COMMIT_S

    def again(self, server: PeerServer) -> PeerServer:
        """Kill a server, and start it with what is on its disk."""
        left = server.storage.killed()
        server.vanish()
        return PeerServer(server.text, self.network, left)

    def heard(self) -> list[str]:
        """Give what Romeo was told."""
        came = self.came(self.romeo)
        return [each.removeprefix("message chat ") for each in came if each.startswith("message chat")]

    def begun(self) -> list[str]:
        """Wait until the first of it comes, and give that."""
        while not (heard := self.heard()):
            self.settle(MOMENT_S)
        return heard

    def complete(self, heard: list[str]) -> None:
        """In the end Romeo has all of it, once and in order."""
        self.settle(30)
        heard += self.heard()
        self.assertEqual(heard, [str(index) for index in range(MANY)])
        self.assertEqual(now(self.capulet.storage.count(STORE, OWNER)), 0)

    def test_the_sender_is_killed(self) -> None:
        """promises#outgoing-messages: whenever that is, what has arrived by the new stream does not come again."""
        heard = self.begun()
        self.capulet = self.again(self.capulet)
        self.complete(heard)

    def test_whenever_the_sender_is_killed(self) -> None:
        """While it numbers them, or sends them: the same."""
        for moments in range(0, MOMENTS, 7):
            with self.subTest(moments=moments):
                pair = self.capulet.peers.federation.pair(CAPULET, MONTAGUE)
                while pair.carrier is None:
                    self.settle(MOMENT_S)
                self.settle(moments * MOMENT_S)
                self.capulet = self.again(self.capulet)
                self.complete(self.heard())
            for server in (self.capulet, self.montague):
                server.vanish()
            self.setUp()

    def test_both_are_killed(self) -> None:
        """Nor where the other one is killed in the same moment."""
        heard = self.begun()
        self.montague = self.again(self.montague)
        self.capulet = self.again(self.capulet)
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")
        self.romeo.send("<presence/>")
        self.complete(heard)


class HeldBackTests(Sending):
    """Juliet's messages get their rows late, the nurse's at once: the rows are not in the order of the stream."""

    def test_killed_twice(self) -> None:
        """promises#outgoing-messages: none is lost, since no mark is of another message than the one that was sent."""
        nurse = self.capulet.logged_in(f"nurse@{CAPULET}/door")
        nurse.send(f"<enable xmlns='{NS}' resume='true'/>")
        self.wire().is_frozen = True
        for index in range(MANY):
            self.speak(str(index))
        for to in (f"romeo@{MONTAGUE}", JULIET):  # what is stored here has what was held before stored, too
            nurse.send(f"<message to='{to}' type='chat'><body>Madam</body></message>")
        self.assertEqual(self.rows(), 1)
        self.settle(HELD_S)
        self.assertEqual(self.rows(), MANY + 1)
        self.restart()
        self.capulet.storage.clock = self.network.clock
        self.capulet.storage.commit_delay_s = COMMIT_S
        heard: list[str] = []
        while not heard:
            self.settle(MOMENT_S)
            heard = self.heard()
        self.restart()
        self.settle(30)
        heard += self.heard()
        self.assertEqual(sorted(heard), sorted([*map(str, range(MANY)), "Madam"]))
        self.assertEqual(self.rows(), 0)

    def restart(self) -> None:
        """Kill Juliet's server, and start it with what is on its disk."""
        left = self.capulet.storage.killed()
        self.capulet.vanish()
        self.capulet = PeerServer(self.capulet.text, self.network, left)


class LeftTests(SynchronousTestCase):
    """`left_of`."""

    def test_one_that_was_held_back(self) -> None:
        """Its row is behind that of a later one: what the peer says of it is believed all the same."""
        first, second = (Item(Stanza.parse(b"<message/>"), row, 0.0, True) for row in ("1", "2"))
        left = left_of([(second, mark_of("id", 2)), (first, mark_of("id", 1))])
        assert left is not None
        self.assertEqual((left.sent, left.covered(1)), (2, [first]))
