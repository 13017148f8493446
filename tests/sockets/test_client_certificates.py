"""SASL EXTERNAL with a client's certificate, over real TLS (XEP-0178 2): behind STARTTLS and on direct TLS."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import SynchronousTestCase

from tests.certificates import pem_of, xmpp_addr
from tests.net.tls.authority import Authority
from tests.sockets.client import SocketClient
from tests.sockets.process import ServerProcess
from tests.temporary import temporary_folder

MECHANISM = b"<mechanism>EXTERNAL</mechanism>"


class ClientCertificateTests(SynchronousTestCase):
    """A host that asks for certificates and knows one issuer of them."""

    def setUp(self) -> None:
        """Make issuers, certificates and the server."""
        self.folder = temporary_folder(self)
        self.ours, self.others = Authority("ours"), Authority("others")
        issuer = self.folder / "issuer.pem"
        issuer.write_bytes(self.ours.certificate.public_bytes(Encoding.PEM))
        options = f'[hosts.localhost]\nclient_certificates = true\nclient_ca = "{issuer}"\n'
        self.server = ServerProcess(self.folder, options, (("alice@localhost", "secret"),))
        self.addCleanup(self.server.stop)

    def client(self, authority: Authority | None, jid: str, *, is_tls: bool = True) -> SocketClient:
        """Give a client under TLS with a certificate for *jid*, or with none."""
        path = None
        if authority is not None:
            names: list[x509.GeneralName] = [xmpp_addr(jid)]
            certificate, key = authority.issue(names, is_client=True)
            path = self.folder / "client.pem"
            path.write_bytes(certificate.public_bytes(Encoding.PEM) + pem_of(key))
        client = SocketClient(
            self.server.ports["TLS" if is_tls else "STARTTLS"], is_tls=is_tls, certificate=path
        )
        self.addCleanup(client.close)
        if not is_tls:
            client.start_tls()
        return client

    def external(self, client: SocketClient) -> bytes:
        """Authenticate by EXTERNAL, without an authzid; give the answer."""
        client.send(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
        return client.until(b"/>")

    def test_certificates(self) -> None:
        """Who shows a good one logs in without a password; another's issuer, another host, or none offers nothing."""
        for is_tls in (True, False):
            good = self.client(self.ours, "alice@localhost", is_tls=is_tls)
            self.assertIn(MECHANISM, good.open())
            self.assertIn(b"<success", self.external(good))
            good.open()
        for authority, jid in (
            (self.others, "alice@localhost"),
            (self.ours, "alice@elsewhere.example"),
            (None, ""),
        ):
            client = self.client(authority, jid)
            features = client.open()
            self.assertNotIn(MECHANISM, features)
            self.assertIn(b"<mechanism>SCRAM-SHA-256</mechanism>", features)
            self.assertIn(b"<invalid-mechanism/>", self.external(client))
        nobody = self.client(self.ours, "nobody@localhost")
        nobody.open()
        self.assertIn(b"<not-authorized/>", self.external(nobody))
