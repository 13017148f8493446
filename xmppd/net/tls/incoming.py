"""TLS for connections that come in: contexts for a purpose, and the choice of the host.

RFC 6120 5 and 13.8, RFC 6066 (SNI), RFC 7301 (ALPN, as XEP-0368 wants it).

A host is chosen by the stream header's ``to`` for STARTTLS, by SNI for direct TLS. OpenSSL looks at versions and
at session tickets before SNI; so direct TLS starts in a context of its own, the front, which speaks the oldest
version that any host allows, and a host that wants more gets the handshake refused.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from socket import socket
from typing import Final, NamedTuple

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface import implementer

from xmppd.config.findings import Finding
from xmppd.core.turns import StepsTo, whole
from xmppd.net.tls.certificates import Certificate, CertificateError, CertificateStore, HostFiles, finding
from xmppd.net.tls.context import VERSIONS, TLSSettings, new_context
from xmppd.net.tls.peers import Connection, HasHandle, ask_peer, channel_bindings, client_jids
from xmppd.net.tls.purposes import C2S, Purpose

MADE: Final = 400
"""The cost of a context (`xmppd.core.turns`)."""
COMPARED: Final = 5
FREED: Final = 30


class ServerConnection(Connection):
    """The server's side of one connection."""

    is_host_fixed = False
    """Whether the host was known before the handshake (STARTTLS), so that SNI has no say."""


class ServerTLS:
    """Makes the server's connections for a purpose, with the certificates of a `CertificateStore`.

    Raises `CertificateError` where OpenSSL does not take a certificate or the ciphers of a host.
    """

    def __init__(
        self,
        store: CertificateStore,
        settings: Mapping[str, TLSSettings] | None = None,
        purpose: Purpose = C2S,
        authorities: Path | None = None,
    ) -> None:
        """*settings* by host; one that is not named has the defaults. *authorities* as for `new_context`."""
        self.store = store
        self.purpose = purpose
        self._authorities = authorities
        self._settings = dict(settings or {})
        self._refusing = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._contexts: dict[str, SSL.Context] = {}
        for host, certificate in store.by_host().items():
            self._contexts[host] = self._host_context(certificate, self._settings_of(host))
        self._front, self._front_of = self._make_front()

    def make_connection(
        self, host: str | None, sock: socket | None = None, *, alpn: tuple[bytes, ...] | None = None
    ) -> ServerConnection:
        """Make the server's side of a connection, ready for the handshake.

        With *host* its certificate is shown (STARTTLS); without, SNI decides, and *alpn* is enforced, the purpose's
        if it is None (direct TLS). On *sock*, or on memory buffers where it is None.
        """
        if host is None:
            connection = ServerConnection(self._front, sock)
            connection.alpn = self.purpose.alpn if alpn is None else alpn
        else:
            certificate = self.store.find(host)
            connection = ServerConnection(self._context_of(certificate), sock)
            connection.is_host_fixed = True
            ask_peer(connection, self.purpose, certificate)
        connection.authorities = self._authorities
        connection.set_accept_state()
        return connection

    def creator_for(self, host: str | None, *, alpn: tuple[bytes, ...] | None = None) -> "ConnectionCreator":
        """Give what Twisted's ``startTLS`` takes; arguments as for `make_connection`."""
        return ConnectionCreator(self, host, alpn)

    def channel_bindings(self, transport: HasHandle) -> dict[str, bytes]:
        """Give the channel-binding data of a transport by type; none without TLS."""
        handle = transport.getHandle()
        return channel_bindings(handle) if isinstance(handle, SSL.Connection) else {}

    def client_jids(self, transport: HasHandle, host: str) -> list[str]:
        """Give the bare JIDs at *host* of a transport's verified client certificate; none without TLS."""
        handle = transport.getHandle()
        return client_jids(handle, host) if isinstance(handle, SSL.Connection) else []

    def reload(
        self,
        hosts: Iterable[HostFiles] | None = None,
        settings: Mapping[str, TLSSettings] | None = None,
    ) -> list[Finding]:
        """Read certificates again and take new *hosts* and *settings* where given; connections live on.

        New contexts are made for what has changed only; tickets given under the old ones are not resumed.
        What is broken is reported, and its host keeps what it had.
        """
        findings = self.store.reload(hosts)
        made = whole(self.preparing(self.store.by_host(), settings))
        self.take(made)
        return findings + made.findings

    def preparing(
        self, certificates: Mapping[str, Certificate], settings: Mapping[str, TLSSettings] | None
    ) -> "StepsTo[Made]":
        """Make the contexts that *certificates*, by host, and *settings* want, in a step for each host.

        Nothing is in force before `take`.
        """
        wanted = dict(self._settings if settings is None else settings)
        made = Made({}, wanted, [])
        for host, certificate in certificates.items():
            context = self._contexts.get(host)
            is_same = context is not None and context.get_app_data() is certificate
            if is_same and self._settings.get(host) == wanted.get(host):
                yield COMPARED
            else:
                try:
                    context = self._host_context(certificate, wanted.get(host) or TLSSettings())
                except CertificateError as error:
                    made.findings.append(finding(host, error, context is not None))
                    wanted[host] = self._settings_of(host)
                yield MADE
            if context is not None:
                made.contexts[host] = context
        return made

    def take(self, made: "Made") -> list[SSL.Context]:
        """Put in force what was made; gives the contexts that were, since to free many takes long."""
        old = [*self._contexts.values(), self._front]
        self._contexts, self._settings = made.contexts, made.settings
        if self._front_of != self._front_wanted():
            self._front, self._front_of = self._make_front()
        return old

    def _settings_of(self, host: str) -> TLSSettings:
        return self._settings.get(host) or TLSSettings()

    def _context_of(self, certificate: Certificate) -> SSL.Context:
        """A host whose certificate could not be used shows the default one."""
        return self._contexts.get(certificate.host) or next(iter(self._contexts.values()))

    def _host_context(self, certificate: Certificate, settings: TLSSettings) -> SSL.Context:
        context = new_context(SSL.TLS_SERVER_METHOD, self.purpose, certificate, settings, self._authorities)
        context.set_tlsext_servername_callback(self._choose_host)
        return context

    def _front_wanted(self) -> tuple[SSL.Context, TLSSettings]:
        """The default host's context, and settings that leave no host's clients outside."""
        host, context = next(iter(self._contexts.items()))
        oldest = min(
            (self._settings_of(host).min_version for host in self._contexts), key=VERSIONS.__getitem__
        )
        return context, TLSSettings(oldest, self._settings_of(host).ciphers)

    def _make_front(self) -> tuple[SSL.Context, tuple[SSL.Context, TLSSettings]]:
        default, settings = wanted = self._front_wanted()
        return self._host_context(default.get_app_data(), settings), wanted

    def _choose_host(self, connection: SSL.Connection) -> None:
        """Take the context of the host that SNI names; OpenSSL calls it without SNI too."""
        if not isinstance(connection, ServerConnection) or connection.is_host_fixed:
            return
        name = (connection.get_servername() or b"").decode("ascii", "replace")
        certificate = self.store.find(name)
        min_version = VERSIONS[self._settings_of(certificate.host).min_version]
        if connection.get_protocol_version() < min_version:
            connection.set_context(self._refusing)
            return
        # the verify mode does not move with the context
        connection.set_context(self._context_of(certificate))
        ask_peer(connection, self.purpose, certificate)


class Made(NamedTuple):
    """What came of making contexts anew."""

    contexts: dict[str, SSL.Context]
    settings: dict[str, TLSSettings]
    """What they were made of, by host."""
    findings: list[Finding]


@implementer(IOpenSSLServerConnectionCreator)
class ConnectionCreator:
    """What ``startTLS`` is given, of Twisted's transports and of ours."""

    __slots__ = ("_alpn", "_host", "_tls")

    def __init__(self, tls: ServerTLS, host: str | None, alpn: tuple[bytes, ...] | None) -> None:
        self._tls = tls
        self._host = host
        self._alpn = alpn

    def serverConnectionForTLS(self, tlsProtocol: object) -> ServerConnection:
        """Make a connection on memory buffers, for Twisted's transports."""
        return self._tls.make_connection(self._host, alpn=self._alpn)

    def make_connection(self, sock: socket) -> ServerConnection:
        """Make a connection on *sock*: what our own transport asks for."""
        return self._tls.make_connection(self._host, sock, alpn=self._alpn)
