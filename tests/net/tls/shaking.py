"""A server's side of handshakes over memory buffers."""

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from tests.net.tls.authority import NOW, Authority, common_handshake
from tests.temporary import temporary_folder
from xmppd.net.tls.certificates import CertificateStore
from xmppd.net.tls.incoming import ServerTLS


class TLSTestCase(SynchronousTestCase):
    """Two hosts, a.example by default; b.example covers its children too."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.authority = Authority()
        self.a = self.authority.write_host(self.folder, "a.example")
        self.b = self.authority.write_host(self.folder, "b.example", "b.example", "*.b.example")
        self.store = CertificateStore([self.a, self.b], lambda: NOW)
        self.tls = ServerTLS(self.store)

    def shown_to(self, peer: SSL.Connection, host: str | None = None) -> str:
        """Give the host whose certificate *peer* is shown."""
        common_handshake(self.tls.make_connection(host), peer)
        return self.host_of(peer)

    def host_of(self, peer: SSL.Connection) -> str:
        """Give the host of the certificate that *peer* has seen."""
        shown = peer.get_peer_certificate(as_cryptography=True)
        hosts = self.store.by_host().values()
        return next(one.host for one in hosts if shown is not None and one.chain[0] == shown)


def is_resumed(connection: SSL.Connection) -> bool:
    """Say whether a session was resumed; pyOpenSSL has no method for it."""
    return bool(SSL._lib.SSL_session_reused(connection._ssl))  # type: ignore[attr-defined]
