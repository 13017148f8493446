"""Certificates of clients: whom a host believes, and which accounts they name (XEP-0178 2)."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from tests.certificates import xmpp_addr
from tests.net.tls.authority import (
    NOW,
    Authority,
    client,
    client_context,
    common_handshake,
    errors_left,
    shake_hands,
)
from tests.net.tls.shaking import TLSTestCase, is_resumed
from xmppd.net.tls.certificates import CertificateStore
from xmppd.net.tls.incoming import ServerTLS
from xmppd.net.tls.peers import client_jids


class ClientCertificateTests(TLSTestCase):
    """XEP-0178: who a client's certificate says it is."""

    def setUp(self) -> None:
        super().setUp()
        self.issuer = Authority("issuer of clients")
        ca = self.folder / "clients.pem"
        ca.write_bytes(self.issuer.certificate.public_bytes(Encoding.PEM))
        self.b = self.authority.write_host(self.folder, "b.example", client_ca=ca)
        self.c = self.authority.write_host(self.folder, "c.example", client_ca=ca)
        self.store = CertificateStore([self.a, self.b, self.c], lambda: NOW)
        self.tls = ServerTLS(self.store)

    def jids(self, *names: x509.GeneralName, issuer: Authority | None = None, days: int = 90) -> list[str]:
        """Give what b.example makes of a client whose certificate has *names*."""
        certificate = (issuer or self.issuer).issue(names, is_client=True, days=days)
        server = self.tls.make_connection(None)
        common_handshake(server, client(client_context(certificate=certificate), server_name="b.example"))
        return client_jids(server, "b.example")

    def test_addresses_of_this_host(self) -> None:
        """XEP-0178 3: the id-on-xmppAddr names of the host, prepared; others' are passed over."""
        names = [
            xmpp_addr(jid)
            for jid in ("Alice@b.example", "bob@b.example", "eve@a.example", "b.example", "x@b.example/r")
        ]
        self.assertEqual(self.jids(*names), ["alice@b.example", "bob@b.example"])

    def test_long_address(self) -> None:
        """Names of more than 127 bytes have a length of several bytes in DER."""
        jid = f"{'a' * 300}@b.example"
        self.assertEqual(self.jids(xmpp_addr(jid)), [jid])

    def test_no_address(self) -> None:
        """A certificate without XMPP addresses names nobody here."""
        self.assertEqual(self.jids(x509.DNSName("b.example")), [])

    def test_rubbish_in_place_of_an_address(self) -> None:
        """What is not one UTF-8 string is no address."""
        oid = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")
        rubbish = (b"\x0c\x01\xff", b"\x16\x0ba@b.example", b"\x0c\x00", b"\x05\x00")
        self.assertEqual(self.jids(*[x509.OtherName(oid, der) for der in rubbish]), [])

    def test_unknown_issuer(self) -> None:
        """Anyone can make a certificate: the handshake goes on, and the certificate says nothing."""
        self.assertEqual(self.jids(xmpp_addr("alice@b.example"), issuer=Authority("mine")), [])

    def test_forged_signature(self) -> None:
        """It says nothing, and leaves no error behind for whoever reads next."""
        certificate = Authority("issuer of clients").issue([xmpp_addr("alice@b.example")], is_client=True)
        for version in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION):
            server = self.tls.make_connection(None)
            context = client_context(max_version=version, certificate=certificate)
            shake_hands(client(context, server_name="b.example"), server)
            self.assertEqual(errors_left(), 0)
            self.assertEqual(client_jids(server, "b.example"), [])

    def test_expired(self) -> None:
        """A certificate that has ended says nothing."""
        self.assertEqual(self.jids(xmpp_addr("alice@b.example"), days=-1), [])

    def test_none_shown(self) -> None:
        """Certificates are asked for, not demanded."""
        server = self.tls.make_connection(None)
        common_handshake(server, client(server_name="b.example"))
        self.assertEqual(client_jids(server, "b.example"), [])

    def test_host_without_issuers_asks_nobody(self) -> None:
        """The verify mode is the chosen host's, by SNI and by header."""
        certificate = self.issuer.issue([xmpp_addr("alice@a.example")], is_client=True)
        for host in (None, "a.example"):
            server = self.tls.make_connection(host)
            common_handshake(server, client(client_context(certificate=certificate), server_name="a.example"))
            self.assertIsNone(server.get_peer_certificate(as_cryptography=True))

    def test_starttls_asks_too(self) -> None:
        """After STARTTLS the header's host asks, and only its own stream profits."""
        certificate = self.issuer.issue(
            [xmpp_addr(f"alice@{host}") for host in ("b.example", "c.example")], is_client=True
        )
        server = self.tls.make_connection("b.example")
        common_handshake(server, client(client_context(certificate=certificate)))
        self.assertEqual(client_jids(server, "b.example"), ["alice@b.example"])
        self.assertEqual(client_jids(server, "c.example"), [])

    def test_returning_client_is_judged_again(self) -> None:
        """Tickets do not tell by whose issuers a client was judged: such hosts take none, whichever host gave it."""
        certificate = self.issuer.issue([xmpp_addr("alice@b.example")], is_client=True)
        for version in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION):
            for host in (None, "b.example"):
                for first_host in ("a.example", "b.example", "c.example"):
                    self.returns(
                        client_context(max_version=version, certificate=certificate), host, first_host
                    )

    def returns(self, context: SSL.Context, host: str | None, first_host: str) -> None:
        """A client of *first_host* comes to b.example with its ticket; it gets in, and by b's judgement alone."""
        first = client(context, server_name=first_host)
        session = common_handshake(self.tls.make_connection(host and first_host), first).get_session()
        server = self.tls.make_connection(host)
        again = common_handshake(server, client(context, server_name="b.example", session=session))
        expected = [] if is_resumed(again) else ["alice@b.example"]
        self.assertEqual(client_jids(server, "b.example"), expected)
        if first_host != "a.example":
            self.assertFalse(is_resumed(again))
