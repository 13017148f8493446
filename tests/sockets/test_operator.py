"""What an operator does to a server that runs, over its control socket and its public listeners."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import ServerProcess, shared_server
from xmppd.admin.check.stranger import NoTLS, look
from xmppd.config.section import Address

OPTIONS = '[hosts."localhost"]\n[components."rooms.localhost"]\nmodule = "muc"\n'


class OperatorCase(SynchronousTestCase):
    """One server for all tests of this file."""

    @property
    def server(self) -> ServerProcess:
        """The server."""
        return shared_server(OPTIONS)


class StrangerTests(OperatorCase):
    """`xmppd.admin.check.stranger`."""

    def test_look(self) -> None:
        """By STARTTLS and direct TLS: the version, the certificate that the server has, and why nobody believes it."""
        made = x509.load_pem_x509_certificate(self.server.certificate.read_bytes())
        for kind in ("STARTTLS", "TLS"):
            seen = look(Address("127.0.0.1", self.server.ports[kind]), "localhost", kind == "TLS")
            self.assertEqual((seen.version, seen.certificate), ("TLSv1.3", made.public_bytes(Encoding.DER)))
            self.assertIn("self", seen.distrust)

    def test_a_domain_that_is_not_there(self) -> None:
        """The stream is closed, and that is told."""
        address = Address("127.0.0.1", self.server.ports["STARTTLS"])
        self.assertRaises(NoTLS, look, address, "elsewhere.example", False)

    def test_nobody_is_there(self) -> None:
        """As of any connection."""
        self.assertRaises(ConnectionRefusedError, look, Address("127.0.0.1", 1), "localhost", False)
