"""Whether TLSA records are of the certificates here (RFC 7673)."""

from collections.abc import Sequence

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.certificates import dns, pem_of
from tests.interop.names import TLSA, NameServer
from tests.net.tls.authority import Authority
from tests.net.tls.pins import pin
from tests.temporary import temporary_folder
from xmppd.admin.check.lookup import pins
from xmppd.config.findings import Finding
from xmppd.config.section import Address
from xmppd.core.outgoing import CannotResolve, Pin, Service
from xmppd.net.tls.dane import DANE_EE, DANE_TA, KEY, PKIX_EE, PKIX_TA, record_of

CONFIG = """\
[hosts."a.example"]
certificate = "a.crt"
key = "a.key"
[components."rooms.a.example"]
module = "muc"
"""
HOST, ROOMS, TARGET = "a.example", "rooms.a.example", "xmpp.a.example"
WRONG = Pin(DANE_EE, KEY, 1, bytes(32))


class TLSATests(SynchronousTestCase):
    """``check_pins``."""

    def setUp(self) -> None:
        """A host with a certificate, which covers its rooms, too."""
        self.folder = temporary_folder(self)
        self.authority = Authority()
        self.asked: list[tuple[str, int]] = []
        self.certificate = self.certify(HOST, ROOMS)

    def certify(self, *names: str) -> x509.Certificate:
        """Give the host a certificate for *names*, with who has issued it."""
        certificate, key = self.authority.issue(dns(*names))
        (self.folder / "a.crt").write_bytes(pem_of(certificate) + pem_of(self.authority.certificate))
        (self.folder / "a.key").write_bytes(pem_of(key))
        (self.folder / "a.key").chmod(0o600)
        return certificate

    def found(
        self, *published: Pin, at: int = 5269, has_records: bool = True, text: str = CONFIG
    ) -> list[Finding]:
        """Give what is found where these are the TLSA records at one port of the target."""

        def services(name: str, servers: Sequence[Address]) -> Sequence[Service]:
            kind = name.partition(".")[0]
            port = {"_xmpp-server": 5269, "_xmpp-client": 5222}.get(kind)
            return (Service(0, 0, port, TARGET),) if port and has_records else ()

        def of(host: str, port: int, servers: Sequence[Address]) -> Sequence[Pin]:
            self.asked.append((host, port))
            return published if port == at else ()

        found = check_text(self.folder, text, None, "dns", services=services, pins=of)
        self.assertLessEqual({each.id for each in found}, {"dns.tlsa-mismatch"})
        return found

    def test_none(self) -> None:
        """Looked for at the targets of the records, at each port once for each domain; nothing where there are none."""
        self.assertEqual(self.found(), [])
        self.assertEqual(sorted(self.asked), [(TARGET, 5222), (TARGET, 5269), (TARGET, 5269)])
        self.asked.clear()
        self.assertEqual(self.found(has_records=False), [])
        self.assertEqual(sorted(self.asked), [(HOST, 5222), (HOST, 5269), (ROOMS, 5269)])

    def test_right(self) -> None:
        """In all forms: the certificate or its key, whole or hashed, and its issuer's."""
        for usage, of in (
            (DANE_EE, self.certificate),
            (PKIX_EE, self.certificate),
            (DANE_TA, self.authority.certificate),
            (PKIX_TA, self.authority.certificate),
        ):
            for selector in range(2):
                for matching in range(3):
                    self.assertEqual(self.found(pin(usage, selector, matching, of)), [])

    def test_one_of_several(self) -> None:
        """The next key may be published before it is used (RFC 7671 8.1)."""
        self.assertEqual(self.found(WRONG, pin(DANE_EE, KEY, 1, self.certificate)), [])

    def test_wrong(self) -> None:
        """Of another key or issuer, or of no form that there is: told of each domain, with what to publish."""
        other = Authority("other")
        for wrong in (
            WRONG,
            pin(PKIX_EE, KEY, 1, other.certificate),
            pin(DANE_TA, KEY, 1, other.certificate),
            Pin(3, 1, 9, b"x"),
        ):
            host, rooms = self.found(wrong)
            self.assertTrue(host.place.endswith("xmppd.toml:1"))
            self.assertTrue(rooms.place.endswith("xmppd.toml:4"))
            for each in host, rooms:
                self.assertIn(f"at _5269._tcp.{TARGET} ", each.why)
                self.assertIn(str(self.folder / "a.crt"), each.why)
                record = f"_5269._tcp.{TARGET} TLSA {record_of(self.certificate)}"
                self.assertIn(f"publish {record}, ", each.remedy)
        (only,) = self.found(WRONG, at=5222)
        self.assertIn(f"_5222._tcp.{TARGET} ", only.why)

    def test_names(self) -> None:
        """An issuer's record is of those certificates alone that have the name (RFC 7673 4)."""
        issuers = pin(DANE_TA, KEY, 1, self.authority.certificate)
        for names, lines in (((HOST, ROOMS), []), ((HOST,), ["4"]), (("b.example",), ["1", "4"])):
            self.certify(*names)
            self.assertEqual([each.place.rpartition(":")[2] for each in self.found(issuers)], lines)

    def test_no_certificate(self) -> None:
        """What cannot be read is told of by ``certificate.*``."""
        (self.folder / "a.crt").unlink()
        self.assertEqual(self.found(WRONG), [])

    def test_a_component_s_own(self) -> None:
        """A certificate of its own is what counts for it."""
        certificate, key = Authority().issue(dns(ROOMS))
        for name, content in (("r.crt", certificate), ("r.key", key)):
            (self.folder / name).write_bytes(pem_of(content))
            (self.folder / name).chmod(0o600)
        text = CONFIG + 'certificate = "r.crt"\nkey = "r.key"\n'
        (only,) = self.found(pin(DANE_EE, KEY, 1, self.certificate), text=text)
        self.assertIn("r.crt", only.why)
        self.assertIn(record_of(certificate), only.remedy)

    def test_nobody_answers(self) -> None:
        """As for the other records."""

        def silent(host: str, port: int, servers: Sequence[Address]) -> Sequence[Pin]:
            raise CannotResolve("no name server answers")

        found = check_text(self.folder, CONFIG, None, "dns", pins=silent)
        self.assertEqual({each.id for each in found}, {"dns.no-answer"})

    def test_asking(self) -> None:
        """A name server on loopback: what is too short for a record is none, what is too long for UDP comes by TCP."""
        records = [TLSA(b"\x03\x01\x01" + bytes(32)), TLSA(b"\x03\x01\x01")]
        server = NameServer({f"_5269._tcp.{TARGET}": records})
        self.addCleanup(server.stop)
        there = [Address("127.0.0.1", server.port)]
        self.assertEqual(pins(TARGET, 5269, there), (WRONG,))
        self.assertEqual(pins(TARGET, 5222, there), ())
        server.records[f"_5222._tcp.{TARGET}"] = [
            TLSA(b"\x03\x00\x00" + bytes([each]) * 400) for each in range(2)
        ]
        self.assertEqual([each.data for each in pins(TARGET, 5222, there)], [bytes(400), b"\x01" * 400])
        self.assertRaises(CannotResolve, pins, TARGET, 5269, [Address("127.0.0.1", 1)])
