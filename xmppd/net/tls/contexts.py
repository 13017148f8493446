"""TLS for connections that come in: contexts, the choice of the host, channel binding, client certificates.

RFC 6120 5 and 13.8 (TLS 1.2 or newer, no compression, no renegotiation), RFC 6066 (SNI), RFC 7301 (ALPN, as
XEP-0368 wants it), RFC 5929 and RFC 9266 (channel binding), XEP-0178 (JIDs in client certificates).

A host is chosen by the stream header's ``to`` for STARTTLS, by SNI for direct TLS. OpenSSL looks at versions and
at session tickets before SNI; so direct TLS starts in a context of its own, the front, which speaks the oldest
version that any host allows, and a host that wants more gets the handshake refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from socket import socket
from typing import Any, Protocol

from cryptography import x509
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface import implementer

from xmppd.config.findings import Finding
from xmppd.net.tls.certificates import Certificate, CertificateError, CertificateStore, HostFiles, finding
from xmppd.net.transport.tls_socket import clear_errors
from xmppd.stanza.jid import JID, InvalidJID

XMPP_CLIENT = (b"xmpp-client",)
"""ALPN protocols of a client's connection (XEP-0368 2)."""

_VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
_OPTIONS = SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE
_VERIFY = SSL.VERIFY_PEER | SSL.VERIFY_CLIENT_ONCE
_SESSION_ID = b"xmppd"
"""Without one, VERIFY_PEER makes every resumed handshake fatal."""
_EXPORTER_LABEL = b"EXPORTER-Channel-Binding"
_EXPORTER_BYTES = 32
_XMPP_ADDR = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")
_UTF8_STRING = 0x0C  # ASN.1 tag
_LONG_LENGTH = 0x80


@dataclass(frozen=True, slots=True)
class TLSSettings:
    """What is negotiated: the oldest version, "1.2" or "1.3", and OpenSSL's words for TLS 1.2's ciphers."""

    min_version: str = "1.2"
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"


class ServerConnection(SSL.Connection):
    """The server's side of one connection, and what OpenSSL does not remember of it."""

    alpn: tuple[bytes, ...] = ()
    """What a client that offers protocols must have among them; empty: whatever it offers is passed over."""
    is_host_fixed = False
    """Whether the host was known before the handshake (STARTTLS), so that SNI has no say."""
    is_client_verified = False
    """Whether the client showed a certificate whose chain leads to an issuer of the host.

    Stays False on a resumed session: the ticket does not tell whose issuers were asked.
    """
    has_bad_client = False

    @property
    def certificate(self) -> Certificate | None:
        """The certificate that the client was shown."""
        shown = self.get_context().get_app_data()
        return shown if isinstance(shown, Certificate) else None


class NoApplicationProtocol(SSL.Error):
    """The client offered protocols, and none of ours (RFC 7301 3.2); OpenSSL has sent the alert."""

    def __init__(self) -> None:
        super().__init__([("SSL routines", "", "no application protocol")])


class HasHandle(Protocol):
    """A transport of Twisted's or of ours: with TLS its handle is the `SSL.Connection`."""

    def getHandle(self) -> Any:
        """Give the connection or the socket."""


class ServerTLS:
    """Makes the server's connections, with the certificates of a `CertificateStore`.

    Raises `CertificateError` where OpenSSL does not take a certificate or the ciphers of a host.
    """

    def __init__(self, store: CertificateStore, settings: Mapping[str, TLSSettings] | None = None) -> None:
        """*settings* by host; one that is not named has the defaults."""
        self.store = store
        self._settings = dict(settings or {})
        self._refusing = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._contexts: dict[str, SSL.Context] = {}
        for host, certificate in store.by_host().items():
            self._contexts[host] = self._host_context(certificate, self._settings_of(host))
        self._front, self._front_of = self._make_front()

    def make_connection(
        self, host: str | None, sock: socket | None = None, *, alpn: tuple[bytes, ...] = XMPP_CLIENT
    ) -> ServerConnection:
        """Make the server's side of a connection, ready for the handshake.

        With *host* its certificate is shown (STARTTLS); without, SNI decides, and *alpn* is enforced (direct
        TLS). On *sock*, or on memory buffers where it is None.
        """
        if host is None:
            connection = ServerConnection(self._front, sock)
            connection.alpn = alpn
        else:
            certificate = self.store.find(host)
            connection = ServerConnection(self._context_of(certificate), sock)
            connection.is_host_fixed = True
            _ask_client(connection, certificate)
        connection.set_accept_state()
        return connection

    def creator_for(self, host: str | None, *, alpn: tuple[bytes, ...] = XMPP_CLIENT) -> "ConnectionCreator":
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
        old_settings = self._settings
        self._settings = old_settings if settings is None else dict(settings)
        contexts = {}
        for host, certificate in self.store.by_host().items():
            context = self._contexts.get(host)
            is_same = context is not None and context.get_app_data() is certificate
            if not is_same or old_settings.get(host) != self._settings.get(host):
                try:
                    context = self._host_context(certificate, self._settings_of(host))
                except CertificateError as error:
                    findings.append(finding(host, error, context is not None))
                    self._settings[host] = old_settings.get(host) or TLSSettings()
            if context is not None:
                contexts[host] = context
        self._contexts = contexts
        if self._front_of != self._front_wanted():
            self._front, self._front_of = self._make_front()
        return findings

    def _settings_of(self, host: str) -> TLSSettings:
        return self._settings.get(host) or TLSSettings()

    def _context_of(self, certificate: Certificate) -> SSL.Context:
        """A host whose certificate could not be used shows the default one."""
        return self._contexts.get(certificate.host) or next(iter(self._contexts.values()))

    def _host_context(self, certificate: Certificate, settings: TLSSettings) -> SSL.Context:
        context = _new_context(certificate, settings)
        context.set_tlsext_servername_callback(self._choose_host)
        return context

    def _front_wanted(self) -> tuple[SSL.Context, TLSSettings]:
        """The default host's context, and settings that leave no host's clients outside."""
        host, context = next(iter(self._contexts.items()))
        oldest = min(
            (self._settings_of(host).min_version for host in self._contexts), key=_VERSIONS.__getitem__
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
        min_version = _VERSIONS[self._settings_of(certificate.host).min_version]
        if connection.get_protocol_version() < min_version:
            connection.set_context(self._refusing)
            return
        # the verify mode does not move with the context
        connection.set_context(self._context_of(certificate))
        _ask_client(connection, certificate)


@implementer(IOpenSSLServerConnectionCreator)
class ConnectionCreator:
    """What ``startTLS`` is given, of Twisted's transports and of ours."""

    __slots__ = ("_alpn", "_host", "_tls")

    def __init__(self, tls: ServerTLS, host: str | None, alpn: tuple[bytes, ...]) -> None:
        self._tls = tls
        self._host = host
        self._alpn = alpn

    def serverConnectionForTLS(self, tlsProtocol: object) -> ServerConnection:
        """Make a connection on memory buffers, for Twisted's transports."""
        return self._tls.make_connection(self._host, alpn=self._alpn)

    def make_connection(self, sock: socket) -> ServerConnection:
        """Make a connection on *sock*: what our own transport asks for."""
        return self._tls.make_connection(self._host, sock, alpn=self._alpn)


def channel_bindings(connection: SSL.Connection) -> dict[str, bytes]:
    """Give the channel-binding data by type, after the handshake.

    ``tls-exporter`` with TLS 1.3 only (RFC 9266 4.2: before, the extended master secret would be needed, for
    which OpenSSL has no query here), ``tls-server-end-point`` always (RFC 5929 4).
    """
    bindings = {}
    if connection.get_protocol_version() >= SSL.TLS1_3_VERSION:
        bindings["tls-exporter"] = connection.export_keying_material(_EXPORTER_LABEL, _EXPORTER_BYTES, b"")
    certificate = connection.get_context().get_app_data()
    if isinstance(certificate, Certificate):
        bindings["tls-server-end-point"] = certificate.end_point
    return bindings


def client_jids(connection: SSL.Connection, host: str) -> list[str]:
    """Give the bare JIDs at *host* that a verified client certificate names (XEP-0178 3), prepared.

    None of a certificate that does not verify, of a resumed session, or shown to another host of ours: each
    host has its own issuers.
    """
    if not isinstance(connection, ServerConnection) or not connection.is_client_verified:
        return []
    asked = connection.certificate
    shown = connection.get_peer_certificate(as_cryptography=True)
    if asked is None or asked.host != host or shown is None:
        return []
    return [jid for jid in _jids_in(shown) if jid.partition("@")[2] == host]


def _new_context(certificate: Certificate, settings: TLSSettings) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[settings.min_version])
    context.set_options(_OPTIONS)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    # tickets need no memory of ours; a cache of sessions would be filled by whoever connects
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(_SESSION_ID)
    context.set_alpn_select_callback(_choose_protocol)
    context.set_app_data(certificate)
    try:
        context.set_cipher_list(settings.ciphers.encode())
    except SSL.Error as error:
        why = f"OpenSSL knows no cipher of '{settings.ciphers}'"
        remedy = "write tls.ciphers as `openssl ciphers` takes it, or leave it out"
        raise CertificateError(certificate.files.certificate, why, remedy) from error
    try:
        _fill(context, certificate)
    except (SSL.Error, crypto.Error) as error:
        why = f"OpenSSL refuses it: {_reason(error)}"
        raise CertificateError(
            certificate.files.certificate, why, "use a P-256 or an RSA 2048 key"
        ) from error
    return context


def _fill(context: SSL.Context, certificate: Certificate) -> None:
    leaf, *issuers = certificate.chain
    context.use_certificate(leaf)
    for issuer in issuers:
        context.add_extra_chain_cert(issuer)
    context.use_privatekey(certificate.key)
    context.check_privatekey()
    trusted = context.get_cert_store()
    for issuer in certificate.client_issuers:
        context.add_client_ca(issuer)
        if trusted is not None:
            trusted.add_cert(crypto.X509.from_cryptography(issuer))


def _ask_client(connection: ServerConnection, certificate: Certificate) -> None:
    """Ask for a client certificate where the host knows issuers; none, or an unknown one, is no error.

    Such a host gives no tickets: a resumed session would not tell whose issuers the client was judged by.
    """
    if certificate.client_issuers:
        connection.set_verify(_VERIFY, _judge_client)
        connection.set_options(SSL.OP_NO_TICKET)
    else:
        connection.set_verify(SSL.VERIFY_NONE)


def _judge_client(connection: SSL.Connection, _: crypto.X509, problem: int, depth: int, is_good: int) -> bool:
    """Note what OpenSSL says about each certificate of the client's chain, the client's own one last."""
    assert isinstance(connection, ServerConnection)
    if not is_good or problem:
        connection.has_bad_client = True
        clear_errors()  # a forged signature leaves some: OpenSSL before 4.0 would lay them on who reads next
    connection.is_client_verified = depth == 0 and not connection.has_bad_client
    return True


def _choose_protocol(connection: SSL.Connection, offered: list[bytes]) -> Any:
    """RFC 7301 3.2: with nothing in common the handshake fails, where the protocol is ours to insist on."""
    wanted = connection.alpn if isinstance(connection, ServerConnection) else ()
    chosen = next((protocol for protocol in wanted if protocol in offered), None)
    if chosen is None and wanted:
        raise NoApplicationProtocol
    return SSL.NO_OVERLAPPING_PROTOCOLS if chosen is None else chosen


def _jids_in(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    texts = (
        _utf8_string(name.value)
        for name in names.get_values_for_type(x509.OtherName)
        if name.type_id == _XMPP_ADDR
    )
    return [jid for jid in (_bare_jid(text) for text in texts) if jid]


def _bare_jid(text: str | None) -> str | None:
    """A certificate names accounts: something@host, without a resource."""
    try:
        jid = JID.parse(text or "")
    except InvalidJID:
        return None
    return jid.full if jid.is_bare and jid.localpart else None


def _utf8_string(der: bytes) -> str | None:
    """Read the one ASN.1 type that XEP-0178 uses; *der* is one well-formed value, cryptography sees to that."""
    if der[0] != _UTF8_STRING:
        return None
    long_form = max(0, der[1] - _LONG_LENGTH)
    try:
        return der[2 + long_form :].decode()
    except UnicodeDecodeError:
        return None


def _reason(error: Exception) -> str:
    """OpenSSL's own last words."""
    details = error.args[0] if error.args else None
    return str(details[-1][-1]) if isinstance(details, list) and details else str(error)
