"""Which domains a certificate covers: RFC 9525 and XEP-0178."""

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from tests.certificates import xmpp_addr
from tests.net.tls.authority import Authority
from xmppd.net.tls.names import SERVER_SERVICES, covers, names_of

SRV = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")


def srv(name: str) -> x509.OtherName:
    """Give a service name (RFC 4985)."""
    return x509.OtherName(SRV, b"\x16" + bytes([len(name)]) + name.encode())


class NameTests(SynchronousTestCase):
    """`covers`, as servers ask it."""

    authority = Authority()

    def test_names(self) -> None:
        """Each kind of name, wildcards by the rules, nothing else."""
        for name, domain, expected in (
            (x509.DNSName("a.example"), "a.example", True),
            (x509.DNSName("A.example"), "a.example", True),
            (x509.DNSName("xn--bcher-kva.example"), "bücher.example", True),
            (x509.DNSName("*.a.example"), "b.a.example", True),
            (x509.DNSName("*.a.example"), "a.example", False),
            (x509.DNSName("*.a.example"), "c.b.a.example", False),
            (x509.DNSName("b.example"), "a.example", False),
            (srv("_xmpp-server.a.example"), "a.example", True),
            (srv("_xmpps-server.a.example"), "a.example", True),
            (srv("_xmpp-client.a.example"), "a.example", False),
            (xmpp_addr("a.example"), "a.example", True),
            (xmpp_addr("x@a.example"), "a.example", False),
            (x509.RFC822Name("x@a.example"), "a.example", False),
        ):
            certificate, _ = self.authority.issue([name])
            self.assertEqual(covers(certificate, domain, SERVER_SERVICES), expected, f"{name} for {domain}")

    def test_no_common_names(self) -> None:
        """RFC 9525 2: what stands in the subject is nobody's name."""
        certificate, _ = self.authority.issue([x509.DNSName("b.example")])
        self.assertFalse(covers(certificate, "somebody", SERVER_SERVICES))

    def test_for_people(self) -> None:
        """All that it names."""
        certificate, _ = self.authority.issue([x509.DNSName("a.example"), xmpp_addr("b.example")])
        self.assertEqual(names_of(certificate), ("a.example", "b.example"))
