"""Bidirectional streams (XEP-0288): one connection for both directions, and nothing lost or twice when it breaks."""

import re

from tests.net.streams.s2s import test_acks, test_presence
from tests.net.streams.s2s.test_bad_peers import EXTERNAL, HEADER, PeerTestCase
from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.net.streams.s2s.counting import ANSWER_S
from xmppd.services.federation.rows import STORE
from xmppd.storage.interface import part_of
from xmppd.testing.peers import PeerServer
from xmppd.testing.server import now

OWNER = part_of(MONTAGUE, CAPULET)
BIDI = "<bidi xmlns='urn:xmpp:bidi'/>"
FEATURE = "<bidi xmlns='urn:xmpp:features:bidi'/>"
ENABLE = "<enable xmlns='urn:xmpp:sm:3'/>"


class BidiTests(Two):
    """Juliet's server begins; what Romeo's has to say comes back on the same connection."""

    s2s = "retry_min_s = 1"

    def setUp(self) -> None:
        """Have Romeo's stanzas acknowledged; one message each."""
        super().setUp()
        self.juliet.send("<presence/>")
        self.romeo.send("<presence/>" + ENABLE)
        self.say("first")
        self.answer("second")
        self.came(self.juliet)
        self.came(self.romeo)

    def rows(self) -> int:
        """Give how many messages of Romeo's server the disk holds."""
        count = now(self.montague.storage.count(STORE, OWNER))
        assert isinstance(count, int)
        return count

    def quickly(self, text: str) -> None:
        """Let Romeo say something, and give nobody time to acknowledge it."""
        self.romeo.send(f"<message to='juliet@{CAPULET}' type='chat'><body>{text}</body></message>")
        self.settle(0.01)

    def bodies(self) -> list[str]:
        """Give what Juliet was told."""
        chats = (each for each in self.came(self.juliet) if each.startswith("message chat"))
        return [each.removeprefix("message chat ") for each in chats]

    def test_one_connection(self) -> None:
        """Both ends know that it serves both directions."""
        for server in (self.capulet, self.montague):
            (stream,) = server.peers.connections.streams
            self.assertTrue(stream.is_bidi)
        self.assertEqual(len(self.network.dialled), 1)

    def test_what_comes_back_is_acknowledged(self) -> None:
        """XEP-0198 counts both directions: an entry is there until the ``<a/>``."""
        self.quickly("third")
        self.assertEqual(self.rows(), 1)
        self.settle(1)
        self.assertEqual((self.bodies(), self.rows()), (["third"], 0))

    def test_it_breaks(self) -> None:
        """What had arrived is not sent again, what had not is: one of our own streams tells how much that is."""
        self.lose_some()
        self.settle(10)
        self.assertEqual((self.bodies(), self.rows()), (["third", "fourth"], 0))
        self.assertEqual(self.network.dialled[-1][0], self.capulet.address)

    def lose_some(self) -> None:
        """Break the stream: "third" has arrived, and Romeo's server has not heard so; "fourth" has not."""
        self.quickly("third")
        wire = next(each for each in self.network.wires if each.address != "127.0.0.1")
        wire.is_frozen = True
        self.quickly("fourth")
        self.capulet.break_connections()

    def test_it_hangs(self) -> None:
        """What goes back gets no further, and the connection stays: after a minute another one is found for it."""
        wire = next(each for each in self.network.wires if each.address != "127.0.0.1")
        wire.is_frozen = True
        self.quickly("third")
        self.settle(ANSWER_S / 2)
        self.assertEqual((self.bodies(), self.rows()), ([], 1))
        self.settle(ANSWER_S)
        self.assertEqual((self.bodies(), self.rows()), (["third"], 0))
        self.assertEqual(self.network.dialled[-1][0], self.capulet.address)

    def test_the_other_end_starts_anew(self) -> None:
        """It has kept how many of the stream it has got, though it had begun the stream itself."""
        self.quickly("third")
        self.assertEqual(self.bodies(), ["third"])
        self.capulet.vanish()
        self.quickly("fourth")
        self.capulet = PeerServer(self.capulet.text, self.network, self.capulet.storage)
        self.juliet = self.capulet.logged_in(f"juliet@{CAPULET}/balcony")
        self.juliet.send("<presence/>")
        self.settle(10)
        self.assertEqual((self.bodies(), self.rows()), (["fourth"], 0))

    def test_we_start_anew(self) -> None:
        """The entries say which stanzas of which stream they were."""
        self.quickly("third")
        self.montague.vanish()
        self.assertEqual(self.rows(), 1)
        self.montague = PeerServer(self.montague.text, self.network, self.montague.storage)
        self.settle(10)
        self.assertEqual((self.bodies(), self.rows()), (["third"], 0))

    def test_it_is_not_idle(self) -> None:
        """While anything comes back, who has begun the stream keeps it."""
        for index in range(4):
            self.settle(400)
            self.quickly(str(index))
        self.assertEqual(len(self.network.dialled), 1)
        self.assertEqual(self.bodies(), ["0", "1", "2", "3"])

    def test_the_way_back_rests_and_is_taken_again(self) -> None:
        """A pair that had nothing to send finds it where it was."""
        for index in range(3):
            self.settle(400)
            self.say(str(index))
        self.assertEqual(self.montague.peers.federation.pairs, {})
        self.quickly("third")
        self.settle(1)
        self.assertEqual(len(self.network.dialled), 1)
        self.assertEqual((self.bodies(), self.rows()), (["third"], 0))

    def test_the_stream_is_closed(self) -> None:
        """An orderly end loses nothing that comes the other way."""
        self.settle(400)
        self.quickly("third")
        for stream in self.capulet.peers.connections.streams:
            stream.close()
        self.quickly("fourth")
        self.settle(10)
        self.assertEqual((self.bodies(), self.rows()), (["third", "fourth"], 0))

    def unreachable(self) -> None:
        """Let nobody reach Juliet's server, which reaches others."""
        self.network.listening.pop((self.capulet.address, 5269))

    def test_the_peer_resumes(self) -> None:
        """It says what it has got; so nothing is twice though we do not reach it."""
        self.unreachable()
        self.lose_some()
        self.settle(20)
        self.say("fifth")
        self.settle(1)
        self.assertEqual((self.bodies(), self.rows()), (["third", "fourth"], 0))

    def test_the_peer_has_begun_anew(self) -> None:
        """And we do not reach it: what may have arrived is sent again."""
        self.unreachable()
        self.lose_some()
        self.capulet.vanish()
        self.capulet = PeerServer(self.capulet.text, self.network, self.capulet.storage)
        self.unreachable()
        self.juliet = self.capulet.logged_in(f"juliet@{CAPULET}/balcony")
        self.juliet.send("<presence/>")
        self.say("fifth")
        self.settle(10)
        self.assertEqual((self.bodies(), self.rows()), (["third", "fourth"], 0))

    def test_who_could_not_be_reached(self) -> None:
        """What waits for a server leaves as soon as that comes to us."""
        self.settle(2_000)
        self.unreachable()
        self.quickly("third")
        self.settle(20)
        self.assertEqual((self.bodies(), self.rows()), ([], 1))
        self.say("fourth")
        self.assertEqual((self.bodies(), self.rows()), (["third"], 0))


class OneWayTests(Two):
    """Where it is turned off at one end."""

    s2s = "bidirectional = false"

    def test_each_has_its_own(self) -> None:
        """RFC 6120 4.1: two connections."""
        self.say("first")
        self.answer("second")
        self.assertEqual(self.came(self.juliet), ["message chat second"])
        self.assertEqual(len(self.network.dialled), 2)
        self.assertFalse(any(each.is_bidi for each in self.capulet.peers.connections.streams))


class OneWayAckTests(test_acks.AckTests):
    """What is shown there holds with a connection for each direction, too."""

    s2s = "retry_min_s = 1\nbidirectional = false"


class OneWayPresenceTests(test_presence.PresenceTests):
    """Likewise."""

    s2s = "retry_min_s = 1\nbidirectional = false"


class PeerTests(PeerTestCase):
    """What a peer may do."""

    def test_offered_under_tls_alone(self) -> None:
        """Section 2.1: TLS comes first, where it is needed; before it nobody can ask for it."""
        peer = self.peer()
        peer.say(HEADER.format(to=CAPULET, from_="verona.example"))
        self.settle(0)
        self.assertNotIn(FEATURE, peer.text)
        peer.say(BIDI)
        self.settle(0)
        self.assertFalse(any(each.is_bidi for each in self.capulet.peers.connections.streams))
        self.assertIn(FEATURE, self.opened_text())

    def opened_text(self) -> str:
        """Give the features of a stream under TLS."""
        peer = self.opened(names=("verona.example",))
        return peer.text

    def test_nothing_goes_back_before_authentication(self) -> None:
        """Section 2.2: the peer has asked for it, and is not who it says."""
        peer = self.opened("verona.example", names=("nobody.example",))
        peer.say(BIDI)
        self.juliet.send("<message to='tybalt@verona.example' type='chat'><body>hello</body></message>")
        self.settle(5)
        self.assertNotIn("hello", peer.text)

    def test_what_was_proved_goes_back(self) -> None:
        """Section 2.2: for the pair of the stream, in both senses."""
        peer = self.opened("verona.example", names=("verona.example",))
        peer.say(BIDI + EXTERNAL)
        self.settle(0)
        peer.say(HEADER.format(to=CAPULET, from_="verona.example"))
        self.settle(0)
        self.assertNotIn(FEATURE, peer.text.rpartition("<stream:stream")[2])
        peer.say(self.message(to=f"juliet@{CAPULET}/balcony"))
        self.settle()
        peer.text = ""
        for domain in ("verona.example", "rooms.verona.example"):
            self.juliet.send(f"<message to='tybalt@{domain}' type='chat'><body>to {domain}</body></message>")
        self.settle()
        self.assertEqual(re.findall("<body>(.*?)</body>", peer.text), ["to verona.example"])

    def test_acknowledging_too_much(self) -> None:
        """XEP-0198 4, for what goes back."""
        peer = self.opened("verona.example", names=("verona.example",))
        peer.say(BIDI + EXTERNAL)
        self.settle(0)
        peer.say(HEADER.format(to=CAPULET, from_="verona.example") + ENABLE)
        self.settle(0)
        self.juliet.send("<message to='tybalt@verona.example' type='chat'><body>hello</body></message>")
        self.settle()
        self.assertIn("hello", peer.text)
        peer.say("<a xmlns='urn:xmpp:sm:3' h='7'/>")
        self.assertEnded(peer, "undefined-condition")
