"""Who comes in is held to what DNS says of its certificate: RFC 7673 3 and 4, by a hand-made server at Juliet's."""

from twisted.internet.defer import Deferred

from tests.net.streams.s2s.test_bad_peers import EXTERNAL, HEADER, Peer, PeerTestCase
from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.core.outgoing import Pin, Service
from xmppd.net.streams.s2s.incoming import VERIFYING, IncomingStream
from xmppd.net.streams.s2s.records import LOOKUPS

VERONA, TARGET, PORT = "verona.example", "xmpp.verona.example", 5269


class DaneInTestCase(PeerTestCase):
    """Base: DNSSEC vouches for where Verona's server is; the data of a pin is a name that has to be shown."""

    s2s = "dane = true"
    is_authority_asked = False

    def setUp(self) -> None:
        """No authority is believed by Juliet's server, unless a test says so."""
        super().setUp()
        self.capulet.tls.is_believing = self.is_authority_asked
        self.find(VERONA)

    def find(self, domain: str, target: str = TARGET, *, is_vouched: bool = True) -> None:
        """Let DNS say where the server of *domain* is."""
        self.network.records[f"_xmpp-server._tcp.{domain}"] = (Service(0, 0, PORT, target, is_vouched),)

    def pin(self, *names: str) -> None:
        """Give its server TLSA records."""
        self.network.pins_of[TARGET, PORT] = tuple(Pin(3, 1, 0, name.encode()) for name in names)

    def arrived(self, name: str = VERONA) -> Peer:
        """Give a stream under TLS with a certificate for *name*."""
        return self.opened(VERONA, names=(name,))

    def stream(self) -> IncomingStream:
        """Give the stream at Juliet's server."""
        (stream,) = self.capulet.peers.connections.streams
        assert isinstance(stream, IncomingStream)
        return stream

    def claim(self, peer: Peer, domain: str = VERONA) -> str:
        """Claim a domain by dialback; give what is said to that."""
        peer.text = ""
        peer.say(f"<db:result from='{domain}' to='{CAPULET}'>a key</db:result>")
        self.settle(0)
        return peer.text

    def assertTaken(self, peer: Peer, how: str) -> None:
        """SASL EXTERNAL is offered, and does."""
        self.assertIn("EXTERNAL", peer.text)
        peer.say(EXTERNAL)
        self.settle(0)
        self.assertIn("<success", peer.text)
        self.assertEqual(self.stream().authenticated_by, how)

    def assertRefused(self, peer: Peer, condition: str) -> None:
        """It is neither offered nor taken, and dialback does not help: nobody is asked about the key."""
        self.assertIn("<stream:features>", peer.text)
        self.assertNotIn("EXTERNAL", peer.text)
        peer.say(EXTERNAL)
        self.settle(0)
        self.assertIn("<not-authorized", peer.text)
        answer = self.claim(peer)
        self.assertIn("type='error'", answer)
        self.assertIn(f"<{condition}", answer)
        self.assertEqual(self.stream().proven, {})


class DaneInTests(DaneInTestCase):
    """Its certificate is its own work."""

    def test_right(self) -> None:
        """4.2: taken, and what it says arrives."""
        self.pin(VERONA)
        peer = self.arrived()
        self.assertTaken(peer, "DANE")
        shown = self.stream().shown()
        assert shown is not None
        self.assertTrue(shown.is_trusted and shown.is_pinned)
        peer.say(HEADER.format(to=CAPULET, from_=VERONA))
        peer.say(self.message(to=f"juliet@{CAPULET}/balcony"))
        self.settle()
        self.assertEqual(self.came(self.juliet), ["message chat hello"])

    def test_wrong(self) -> None:
        """It is another one's."""
        self.pin("elsewhere.example")
        self.assertRefused(self.arrived(), "not-authorized")

    def test_right_by_dialback(self) -> None:
        """XEP-0344: the certificate is enough, and nobody is called back."""
        self.pin(VERONA)
        self.assertIn("type='valid'", self.claim(self.arrived()))
        self.assertEqual(self.stream().authenticated_by, "DANE")
        self.assertEqual(self.network.dialled, [(self.capulet.address, PORT)])

    def test_a_target_that_nobody_vouches_for(self) -> None:
        """3.1: then its records are no proof, and authorities count, who do not know it."""
        self.pin(VERONA)
        self.find(VERONA, is_vouched=False)
        self.assertRefused(self.arrived(), "not-authorized")

    def test_records_of_another_domain(self) -> None:
        """Who is right for one domain is nobody for the next, on the same stream."""
        self.pin(VERONA)
        self.find("mantua.example", "xmpp.mantua.example")
        self.network.pins_of["xmpp.mantua.example", PORT] = (Pin(3, 1, 0, b"mantua.example"),)
        peer = self.arrived()
        self.assertIn("type='valid'", self.claim(peer))
        self.assertIn("<not-authorized", self.claim(peer, "mantua.example"))
        self.find("mantua.example")
        self.assertIn("type='valid'", self.claim(peer, "mantua.example"))
        self.assertEqual(self.stream().proven, {VERONA: {CAPULET}, "mantua.example": {CAPULET}})


class CertifiedTests(DaneInTestCase):
    """An authority that is believed has issued its certificate."""

    is_authority_asked = True

    def test_without_records(self) -> None:
        """3.4: as without DANE; so where it takes no connections."""
        self.assertTaken(self.arrived(), "EXTERNAL")
        self.capulet.break_connections()
        self.find(VERONA, "")
        self.assertTaken(self.arrived(), "EXTERNAL")

    def test_wrong(self) -> None:
        """No authority's word stands against the records."""
        self.pin("elsewhere.example")
        self.assertRefused(self.arrived(), "not-authorized")

    def test_another_target(self) -> None:
        """One of which DNS says nothing: who could be taken for it there is let in."""
        self.pin("elsewhere.example")
        self.network.records[f"_xmpps-server._tcp.{VERONA}"] = (Service(1, 0, 5270, "b.example", True),)
        self.assertTaken(self.arrived(), "EXTERNAL")

    def test_forged(self) -> None:
        """3.3: nothing is believed where DNSSEC finds a forgery, or nobody says anything."""
        self.network.forged.add(TARGET)
        self.assertRefused(self.arrived(), "remote-server-timeout")
        self.capulet.break_connections()
        self.network.is_nameless = True
        self.assertRefused(self.arrived(), "remote-server-timeout")

    def test_back_again(self) -> None:
        """Once the name servers answer it is as ever."""
        self.network.is_nameless = True
        self.assertRefused(self.arrived(), "remote-server-timeout")
        self.capulet.break_connections()
        self.network.is_nameless = False
        self.assertTaken(self.arrived(), "EXTERNAL")


class SlowTests(DaneInTestCase):
    """The name servers take their time."""

    def setUp(self) -> None:
        """Over the first question."""
        super().setUp()
        self.pin(VERONA)
        self.network.slow.add(VERONA)

    def asked(self) -> Deferred[None]:
        """Give the question that waits."""
        (question,) = [each for each in self.network.questions if not each.called]
        return question

    def test_nothing_else_meanwhile(self) -> None:
        """What the peer has sent ahead is dealt with afterwards, in order."""
        peer = self.arrived()
        peer.say(EXTERNAL + HEADER.format(to=CAPULET, from_=VERONA))
        self.settle(5)
        self.assertNotIn("features", peer.text)
        self.assertNotIn("<success", peer.text)
        self.asked().callback(None)
        self.asked().callback(None)
        self.settle(0)
        self.assertLess(peer.text.index("EXTERNAL"), peer.text.index("<success"))
        self.assertEqual(peer.text.count("<stream:features"), 2)

    def test_too_slow(self) -> None:
        """The time for authentication goes on (promises#before-authentication), and the question is given up."""
        peer = self.arrived()
        question = self.asked()
        self.settle(31)
        self.assertIn("connection-timeout", peer.text)
        self.assertTrue(peer.is_lost)
        self.assertTrue(question.called)
        self.assertEqual(self.network.questions, [question])

    def test_gone(self) -> None:
        """With the peer goes the question; what it has sent ahead is nothing to anybody."""
        peer = self.arrived()
        peer.say(EXTERNAL)
        self.settle(0)
        question = self.asked()
        peer.transport.abortConnection()  # type: ignore[union-attr]  # of the wire
        self.settle(0)
        self.assertTrue(question.called)
        self.assertEqual(self.capulet.peers.connections.streams, [])
        self.assertEqual(self.network.questions, [question])

    def test_many_claims(self) -> None:
        """No more of one stream are asked about at a time than are called back."""
        self.network.slow.clear()
        peer = self.arrived()
        names = [f"{each}.example" for each in range(VERIFYING + 1)]
        self.network.slow.update(names)
        for name in names[:-1]:
            self.assertEqual(self.claim(peer, name), "")
        self.assertIn("<resource-constraint", self.claim(peer, names[-1]))
        self.assertEqual(len(self.network.questions), VERIFYING)

    def test_claims_of_many_streams(self) -> None:
        """Nor of all streams together; who has shown a certificate for the domain of its header still gets in."""
        self.network.slow = {"slow.example"}
        peer = self.arrived()
        for _ in range(LOOKUPS):
            self.capulet.peers.parts.records.of("slow.example")
        self.assertIn("<resource-constraint", self.claim(peer, "mantua.example"))
        self.capulet.break_connections()
        self.assertTaken(self.arrived(), "DANE")

    def test_no_name_in_the_header(self) -> None:
        """RFC 6120 4.7.1: nobody is asked about then, and the certificate is good for what is claimed."""
        self.network.slow = {""}
        peer = self.opened("", names=(VERONA,))
        self.assertIn("<stream:features>", peer.text)
        self.assertNotIn("EXTERNAL", peer.text)
        self.assertIn("type='valid'", self.claim(peer))


class OtherwiseTests(DaneInTestCase):
    """Without certificates being required."""

    s2s = "dane = true\nrequire_certificate = false\nrequire_tls = false"

    def test_what_dns_says_is_needed(self) -> None:
        """4.1: a key does not help who has another certificate, or none, not being under TLS."""
        self.pin("elsewhere.example")
        self.assertRefused(self.arrived(), "not-authorized")
        self.assertEqual(len(self.network.dialled), 1)
        self.capulet.break_connections()
        peer = self.peer()
        peer.say(HEADER.format(to=CAPULET, from_=VERONA))
        self.settle(0)
        self.assertIn("<not-authorized", self.claim(peer))

    def test_dialback_where_it_says_nothing(self) -> None:
        """As ever: the server of the domain is asked, if it can be found."""
        self.assertIn("<remote-server-not-found", self.claim(self.arrived()))


class OffTests(DaneInTestCase):
    """Unless it is turned on."""

    s2s = ""
    is_authority_asked = True

    def test_off(self) -> None:
        """DNS is not asked about who comes in."""
        self.network.slow.add(VERONA)
        self.pin("elsewhere.example")
        self.assertTaken(self.arrived(), "EXTERNAL")
        self.assertEqual(self.network.questions, [])


class TwoServersTests(Two):
    """Juliet's server has made its certificate itself, and goes to Romeo's."""

    s2s = "dane = true\nbidirectional = false"

    def setUp(self) -> None:
        """DNS says where it is; it believes Romeo's."""
        super().setUp()
        self.montague.tls.is_believing = False
        self.network.records[f"_xmpp-server._tcp.{CAPULET}"] = (Service(0, 0, PORT, TARGET, True),)

    def test_right(self) -> None:
        """With SASL EXTERNAL."""
        self.network.pins_of[TARGET, PORT] = (Pin(3, 1, 0, CAPULET.encode()),)
        self.say("Wherefore")
        self.assertEqual(self.came(self.romeo), ["message chat Wherefore"])
        (stream,) = self.montague.peers.connections.streams
        self.assertEqual((stream.authenticated_by, stream.proven), ("DANE", {CAPULET: {MONTAGUE}}))

    def test_wrong(self) -> None:
        """It comes back."""
        self.network.pins_of[TARGET, PORT] = (Pin(3, 1, 0, b"elsewhere.example"),)
        self.say("Wherefore")
        self.settle(1_000)
        self.assertEqual(self.came(self.romeo), [])
        (answer,) = self.came(self.juliet)
        self.assertIn("not-authorized", answer)
