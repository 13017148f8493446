"""Two servers in processes of their own, over real TLS with certificates of a test authority."""

from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.trial.unittest import SynchronousTestCase

from tests.interop.names import TLSA, NameServer, serving
from tests.net.tls.authority import Authority
from tests.sockets.peers import Domains, XmppdPeer
from tests.temporary import temporary_folder
from xmppd.net.tls.self_signed import to_ascii

CAPULET, MONTAGUE = "capulet.example", "montague.example"


class ServersTests(SynchronousTestCase):
    """What goes from one to the other."""

    def setUp(self) -> None:
        """Make certificates."""
        self.domains = Domains(temporary_folder(self), CAPULET, MONTAGUE)

    def peer(self, domain: str, user: str, options: str = "", direct: tuple[str, ...] = ()) -> XmppdPeer:
        """Start a server."""
        peer = XmppdPeer(self.domains, domain, user, options, direct)
        self.addCleanup(peer.stop)
        return peer

    def talk(self, capulet: XmppdPeer, montague: XmppdPeer) -> None:
        """A message both ways, and a ping."""
        with capulet.client() as juliet, montague.client() as romeo:
            juliet.send(f"<message to='{romeo.jid}' type='chat'><body>Wherefore</body></message>")
            self.assertEqual(romeo.body(), "Wherefore")
            romeo.send(f"<message to='{juliet.jid}' type='chat'><body>Shall I</body></message>")
            self.assertEqual(juliet.body(), "Shall I")
            self.assertEqual(juliet.ask(MONTAGUE, "<ping xmlns='urn:xmpp:ping'/>").get("type"), "result")

    def test_by_certificate(self) -> None:
        """SASL EXTERNAL (XEP-0178 3); one of the two over direct TLS (XEP-0368)."""
        apart = "bidirectional = false"
        capulet = self.peer(CAPULET, "juliet", apart, direct=(MONTAGUE,))
        montague = self.peer(MONTAGUE, "romeo", apart)
        self.talk(capulet, montague)
        self.assertIn(f"{CAPULET} is authenticated to {MONTAGUE} by EXTERNAL", montague.log)
        self.assertIn(f"{MONTAGUE} is authenticated to {CAPULET} by EXTERNAL", capulet.log)

    def test_one_connection(self) -> None:
        """XEP-0288: who has begun it is authenticated, and what comes back needs no other."""
        capulet, montague = self.peer(CAPULET, "juliet"), self.peer(MONTAGUE, "romeo")
        self.talk(capulet, montague)
        self.assertIn(f"{CAPULET} is authenticated to {MONTAGUE} by EXTERNAL", montague.log)
        self.assertNotIn(f"{MONTAGUE} is authenticated", capulet.log)

    def test_by_dialback(self) -> None:
        """XEP-0220 over TLS, where nobody knows the certificates."""
        self.domains.certify(CAPULET, Authority("nobody's"))
        self.domains.certify(MONTAGUE, Authority("nobody's"))
        options = "require_certificate = false"
        capulet = self.peer(CAPULET, "juliet", options)
        montague = self.peer(MONTAGUE, "romeo", options)
        self.talk(capulet, montague)
        self.assertIn(f"{CAPULET} is authenticated to {MONTAGUE} by dialback", montague.log)

    def test_a_wrong_certificate_is_refused(self) -> None:
        """RFC 9525: one for another name; the sender hears why."""
        self.domains.certify(MONTAGUE, self.domains.authority, "verona.example")
        capulet, montague = self.peer(CAPULET, "juliet"), self.peer(MONTAGUE, "romeo")
        with capulet.client() as juliet, montague.client() as romeo:
            juliet.send(f"<message to='{romeo.jid}' type='chat'><body>Wherefore</body></message>")
            answer = juliet.message()
            self.assertEqual(answer.get("type"), "error")
            self.assertIn("is for verona.example", "".join(answer.itertext()))


class InternationalTests(SynchronousTestCase):
    """A domain that is not in ASCII (RFC 7622 3.2)."""

    def test_it_is_found_and_believed(self) -> None:
        """By the A-labels in DNS and in certificates, both ways, each by a stream of its own."""
        books = "bücher.example"
        domains = Domains(temporary_folder(self), CAPULET, books)
        ports = domains.ports
        names = NameServer(serving(CAPULET, ports[CAPULET]) | serving(to_ascii(books), ports[books]))
        self.addCleanup(names.stop)
        text = f'resolvers = ["127.0.0.1:{names.port}"]\nallow_loopback = true\nbidirectional = false'
        peers = [XmppdPeer(domains, *who, text, is_routed=False) for who in ((CAPULET, "a"), (books, "b"))]
        for peer in peers:
            self.addCleanup(peer.stop)
        with peers[0].client() as one, peers[1].client() as other:
            for here, there in ((one, other), (other, one)):
                here.send(f"<message to='{there.jid}' type='chat'><body>Shall I</body></message>")
                self.assertEqual(there.body(), "Shall I")
        self.assertIn(f"{books} is authenticated to {CAPULET} by EXTERNAL", peers[0].log)


class DaneTests(SynchronousTestCase):
    """RFC 7673: what DNS says of a certificate, where the name server vouches for it; nobody else does."""

    def setUp(self) -> None:
        """Make certificates and names."""
        self.domains = Domains(temporary_folder(self), CAPULET, MONTAGUE)
        for domain in (CAPULET, MONTAGUE):
            self.domains.certify(domain, Authority("nobody's"))
        ports, direct = self.domains.ports, self.domains.direct_ports
        self.names = NameServer(
            serving(CAPULET, ports[CAPULET])
            | serving(MONTAGUE, ports[MONTAGUE], direct_port=direct[MONTAGUE]),
            is_authentic=True,
        )
        self.addCleanup(self.names.stop)

    def pin(self, domain: str, shown: str) -> None:
        """Say that the certificate of *domain*, at each of its ports, has the key of the one that *shown* has."""
        pem = self.domains.certificates[shown].certificate.read_bytes()
        key = x509.load_pem_x509_certificate(pem).public_key()
        data = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        record = TLSA(b"\3\1\1" + sha256(data).digest())
        for port in (self.domains.ports[domain], self.domains.direct_ports[domain]):
            self.names.records[f"_{port}._tcp.{domain}"] = [record]

    def peer(self, domain: str, user: str, options: str) -> XmppdPeer:
        """Start a server."""
        text = f'resolvers = ["127.0.0.1:{self.names.port}"]\nallow_loopback = true\ndane = true\n{options}'
        peer = XmppdPeer(self.domains, domain, user, text, is_routed=False)
        self.addCleanup(peer.stop)
        return peer

    def test_right(self) -> None:
        """There over direct TLS, back over STARTTLS; both are known by their own certificates."""
        self.pin(CAPULET, CAPULET)
        self.pin(MONTAGUE, MONTAGUE)
        apart = "bidirectional = false"
        capulet, montague = self.peer(CAPULET, "juliet", apart), self.peer(MONTAGUE, "romeo", apart)
        with capulet.client() as juliet, montague.client() as romeo:
            juliet.send(f"<message to='{romeo.jid}' type='chat'><body>Wherefore</body></message>")
            self.assertEqual(romeo.body(), "Wherefore")
            romeo.send(f"<message to='{juliet.jid}' type='chat'><body>Shall I</body></message>")
            self.assertEqual(juliet.body(), "Shall I")
        self.assertIn(f"{CAPULET} is authenticated to {MONTAGUE} by DANE", montague.log)
        self.assertIn(f"{MONTAGUE} is authenticated to {CAPULET} by DANE", capulet.log)

    def test_who_comes_in_is_another(self) -> None:
        """An authority that is believed has certified it, for its domain: that does not help against the records."""
        self.pin(CAPULET, MONTAGUE)
        self.pin(MONTAGUE, MONTAGUE)
        self.domains.certify(CAPULET, self.domains.authority)
        capulet = self.peer(CAPULET, "juliet", "queue_age_s = 1")
        montague = self.peer(MONTAGUE, "romeo", "")
        with capulet.client() as juliet:
            juliet.send(f"<message to='{montague.jid}' type='chat'><body>Wherefore</body></message>")
            self.assertEqual(juliet.message().get("type"), "error")
        self.assertIn(f"The certificate of {CAPULET} is not what DNS says (TLSA of {CAPULET})", montague.log)

    def test_it_needs_no_authority(self) -> None:
        """With ``require_certificate`` as well; another key is refused, and its sender hears why."""
        self.pin(MONTAGUE, MONTAGUE)
        capulet = self.peer(CAPULET, "juliet", "")
        montague = self.peer(MONTAGUE, "romeo", "require_certificate = false")
        with capulet.client() as juliet, montague.client() as romeo:
            juliet.send(f"<message to='{romeo.jid}' type='chat'><body>Wherefore</body></message>")
            self.assertEqual(romeo.body(), "Wherefore")
        capulet.stop()
        self.pin(MONTAGUE, CAPULET)
        capulet.start()
        with capulet.client() as juliet:
            juliet.send(f"<message to='{montague.jid}' type='chat'><body>art thou</body></message>")
            answer = juliet.message()
            self.assertEqual(answer.get("type"), "error")
            self.assertIn("is not what DNS says", "".join(answer.itertext()))
