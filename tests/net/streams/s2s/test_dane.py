"""Where DNSSEC vouches for what a certificate is: RFC 7673 3 and 4, between two servers in memory."""

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.core.outgoing import Pin, Service

TARGET, PORT = "xmpp.montague.example", 5269


class DaneTestCase(Two):
    """Romeo's server is found by SRV; a pin of this network is a name that the certificate has to show."""

    s2s = "dane = true\nbidirectional = false"

    def setUp(self) -> None:
        """DNS says where it is."""
        super().setUp()
        self.network.names[TARGET] = (self.montague.address,)
        self.find()

    def find(self, is_vouched: bool = True) -> None:
        """Let DNSSEC vouch for the SRV record, or not."""
        record = Service(0, 0, PORT, TARGET, is_vouched)
        self.network.records[f"_xmpp-server._tcp.{MONTAGUE}"] = (record,)

    def pin(self, *names: str) -> None:
        """Give it TLSA records."""
        self.network.pins_of[TARGET, PORT] = tuple(Pin(3, 1, 0, name.encode()) for name in names)

    def assertArrives(self) -> None:
        """Juliet's message does."""
        self.say("Wherefore")
        self.assertEqual(self.came(self.romeo), ["message chat Wherefore"])

    def assertRefused(self, condition: str, why: str, after_s: float = 0) -> None:
        """It comes back, and nothing of it was said to the other server."""
        self.say("Wherefore")
        self.settle(after_s)
        self.assertEqual(self.came(self.romeo), [])
        (bounced,) = self.juliet.inbox
        self.assertIsNotNone(bounced.find(f".//{{urn:ietf:params:xml:ns:xmpp-stanzas}}{condition}"))
        self.assertIn(why, " ".join(bounced.itertext()))


class DaneTests(DaneTestCase):
    """Juliet's server goes to Romeo's."""

    def test_right(self) -> None:
        """4.2: no authority is asked."""
        self.capulet.tls.is_believing = False
        self.pin(MONTAGUE)
        self.assertArrives()

    def test_wrong(self) -> None:
        """4: whoever certifies it, it is not the one."""
        self.pin("elsewhere.example")
        self.assertRefused("not-authorized", f"is not what DNS says (TLSA of {TARGET})")

    def test_forged(self) -> None:
        """3.3: where DNSSEC finds a forgery nobody is gone to."""
        self.network.forged.add(TARGET)
        self.assertRefused("remote-server-timeout", "cannot be found out", after_s=1_000)
        self.assertEqual(self.network.dialled, [])

    def test_no_records(self) -> None:
        """3.3: as it is without, by authorities."""
        self.assertArrives()
        self.capulet.break_connections()
        self.capulet.tls.is_believing = False
        self.settle(30)
        self.assertRefused("not-authorized", "is issued by nobody who is believed")

    def test_a_target_that_nobody_vouches_for(self) -> None:
        """3.1: then its TLSA records are no proof of the domain, and not asked for."""
        self.find(is_vouched=False)
        self.pin("elsewhere.example")
        self.network.forged.add(TARGET)
        self.assertArrives()

    def test_what_nobody_can_be_held_to(self) -> None:
        """RFC 6698 4.1: as if there were no records."""
        self.network.pins_of[TARGET, PORT] = (Pin(9, 1, 0, b"?"),)
        self.assertArrives()


class WithoutTLSTests(DaneTestCase):
    """TLS is not required by the configuration."""

    s2s = "dane = true\nbidirectional = false\nrequire_tls = false\nrequire_certificate = false"

    def test_tls_is_needed_with_records(self) -> None:
        """4.1: whoever strips it gets nothing."""
        self.montague.peers.parts.tls = None
        self.pin(MONTAGUE)
        self.assertRefused("remote-server-not-found", "offers no TLS")

    def test_the_certificate_is_needed_with_records(self) -> None:
        """Dialback does not help where it is another one."""
        self.pin("elsewhere.example")
        self.assertRefused("not-authorized", "is not what DNS says")


class OffTests(DaneTestCase):
    """Unless it is turned on."""

    s2s = "bidirectional = false"

    def test_off(self) -> None:
        """Nobody asks for such records."""
        self.pin("elsewhere.example")
        self.network.forged.add(TARGET)
        self.assertArrives()


class DialbackTests(DaneTestCase):
    """Who comes with a certificate that nobody believes, and could be where DNS says nothing of it, is asked about."""

    s2s = "dane = true\nbidirectional = false\nrequire_certificate = false"

    def test_what_comes_in(self) -> None:
        """XEP-0220 2.1.2: the connection on which a key is asked about is held to the records as well."""
        self.network.records[f"_xmpp-server._tcp.{CAPULET}"] = (
            Service(0, 0, PORT, "xmpp.capulet.example", True),
            Service(1, 0, PORT, "other.capulet.example", True),
        )
        self.network.names["xmpp.capulet.example"] = (self.capulet.address,)
        self.montague.tls.is_believing = self.capulet.tls.is_believing = False
        pins = self.network.pins_of
        pins["xmpp.capulet.example", PORT] = (Pin(3, 1, 0, b"elsewhere.example"),)
        self.say("Wherefore")
        self.assertEqual(self.came(self.romeo), [])
        self.assertIn((self.capulet.address, PORT), self.network.dialled)
        del pins["xmpp.capulet.example", PORT]
        self.settle(60)
        self.say("art thou")
        self.assertIn("message chat art thou", self.came(self.romeo))
        ways = {stream.authenticated_by for stream in self.montague.peers.connections.streams}
        self.assertEqual(ways, {"dialback"})
