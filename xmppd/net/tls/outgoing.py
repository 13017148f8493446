"""TLS for connections that go out to other servers: RFC 6120 5.4, RFC 6066 3 (SNI), XEP-0368 (ALPN).

Our own certificate is shown, so that the other server may authenticate us by it (SASL EXTERNAL). Whether its own is
believed is noted, not enforced: without one that is, dialback may still do (XEP-0220), as the configuration says.
"""

from collections.abc import Mapping
from pathlib import Path
from socket import socket

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from zope.interface import implementer

from xmppd.net.tls.certificates import Certificate, CertificateStore
from xmppd.net.tls.context import TLSSettings, new_context
from xmppd.net.tls.dane import Pinned
from xmppd.net.tls.peers import Connection, ask_peer
from xmppd.net.tls.purposes import S2S_OUT, Purpose
from xmppd.net.tls.self_signed import to_ascii


class OutgoingTLS:
    """Makes the client's side of connections, with the certificates of a `CertificateStore`."""

    def __init__(
        self,
        store: CertificateStore,
        settings: Mapping[str, TLSSettings] | None = None,
        purpose: Purpose = S2S_OUT,
        authorities: Path | None = None,
    ) -> None:
        """Arguments as of `xmppd.net.tls.incoming.ServerTLS`."""
        self.store = store
        self.purpose = purpose
        self._settings = dict(settings or {})
        self._authorities = authorities
        self._contexts: dict[str, SSL.Context] = {}

    def make_connection(
        self,
        host: str,
        peer: str,
        sock: socket | None = None,
        *,
        is_direct: bool = False,
        pinned: Pinned | None = None,
    ) -> Connection:
        """Give the client's side of a connection of our *host* to the domain *peer*, ready for the handshake.

        With *is_direct* ALPN says what will be spoken (XEP-0368 2). *pinned* is what DNS says of the certificate there.
        Raises `CertificateError` as `new_context`.
        """
        certificate = self.store.find(host)
        connection = Connection(self._context_of(certificate), sock)
        connection.authorities = self._authorities
        connection.pinned = pinned
        connection.set_tlsext_host_name(to_ascii(peer).encode())
        if is_direct:
            connection.set_alpn_protos(list(self.purpose.alpn))
        ask_peer(connection, self.purpose, certificate)
        connection.set_connect_state()
        return connection

    def creator_for(
        self, host: str, peer: str, *, is_direct: bool = False, pinned: Pinned | None = None
    ) -> "OutgoingCreator":
        """Give what ``startTLS`` takes; arguments as for `make_connection`."""
        return OutgoingCreator(self, host, peer, is_direct, pinned)

    def refresh(self, settings: Mapping[str, TLSSettings] | None = None) -> None:
        """The store has been reloaded: contexts whose certificate or settings are others are made anew."""
        old, self._settings = self._settings, self._settings if settings is None else dict(settings)
        current = self.store.by_host()
        for host, context in list(self._contexts.items()):
            if context.get_app_data() is not current.get(host) or old.get(host) != self._settings.get(host):
                del self._contexts[host]

    def _context_of(self, certificate: Certificate) -> SSL.Context:
        context = self._contexts.get(certificate.host)
        if context is None:
            settings = self._settings.get(certificate.host) or TLSSettings()
            context = new_context(
                SSL.TLS_CLIENT_METHOD, self.purpose, certificate, settings, self._authorities
            )
            self._contexts[certificate.host] = context
        return context


@implementer(IOpenSSLClientConnectionCreator)
class OutgoingCreator:
    """What ``startTLS`` is given, of Twisted's transports and of ours."""

    __slots__ = ("_host", "_is_direct", "_peer", "_pinned", "_tls")

    def __init__(
        self, tls: OutgoingTLS, host: str, peer: str, is_direct: bool, pinned: Pinned | None = None
    ) -> None:
        self._tls = tls
        self._host = host
        self._peer = peer
        self._is_direct = is_direct
        self._pinned = pinned

    def clientConnectionForTLS(self, tlsProtocol: object) -> Connection:
        """Make a connection on memory buffers, for Twisted's transports."""
        return self._tls.make_connection(
            self._host, self._peer, is_direct=self._is_direct, pinned=self._pinned
        )

    def make_connection(self, sock: socket) -> Connection:
        """Make a connection on *sock*: what our own transport asks for."""
        return self._tls.make_connection(
            self._host, self._peer, sock, is_direct=self._is_direct, pinned=self._pinned
        )
