"""One OpenSSL context: RFC 6120 13.8 (TLS 1.2 or newer, no compression, no renegotiation), and a certificate."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from OpenSSL import SSL, crypto

from xmppd.net.tls.certificates import Certificate, CertificateError
from xmppd.net.tls.peers import Connection
from xmppd.net.tls.purposes import Purpose, Trust

SYSTEM_FOLDER: Final = Path("/etc/ssl/certs")
"""Where Debian and its kin have the public authorities, each in a file found by the hash of its name."""
VERSIONS: Final = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
_OPTIONS = SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE


@dataclass(frozen=True, slots=True)
class TLSSettings:
    """What is negotiated: the oldest version, "1.2" or "1.3", and OpenSSL's words for TLS 1.2's ciphers."""

    min_version: str = "1.2"
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"


class NoApplicationProtocol(SSL.Error):
    """The client offered protocols, and none of ours (RFC 7301 3.2); OpenSSL has sent the alert."""

    def __init__(self) -> None:
        super().__init__([("SSL routines", "", "no application protocol")])


def new_context(
    method: int,
    purpose: Purpose,
    certificate: Certificate | None,
    settings: TLSSettings,
    authorities: Path | None = None,
) -> SSL.Context:
    """Give a context for one role; *authorities* is a file of PEM certificates, None means those of this system.

    Raises `CertificateError` where OpenSSL does not take the certificate, the ciphers or the authorities.
    """
    context = SSL.Context(method)
    context.set_min_proto_version(VERSIONS[settings.min_version])
    context.set_options(_OPTIONS)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    # tickets need no memory of ours; a cache of sessions would be filled by whoever connects
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(purpose.session_id)
    context.set_alpn_select_callback(_choose_protocol)
    context.set_app_data(certificate)
    if purpose.trust is Trust.AUTHORITIES:
        _believe(context, authorities)
    if certificate is not None:
        _show(context, certificate, settings, purpose)
    return context


def _show(context: SSL.Context, certificate: Certificate, settings: TLSSettings, purpose: Purpose) -> None:
    file = certificate.files.certificate
    try:
        context.set_cipher_list(settings.ciphers.encode())
    except SSL.Error as error:
        why = f"OpenSSL knows no cipher of '{settings.ciphers}'"
        remedy = "write tls.ciphers as `openssl ciphers` takes it, or leave it out"
        raise CertificateError(file, why, remedy) from error
    try:
        _fill(context, certificate)
        if purpose.trust is Trust.CLIENT_ISSUERS:
            _believe_these(context, certificate.client_issuers)
    except (SSL.Error, crypto.Error) as error:
        raise CertificateError(
            file, f"OpenSSL refuses it: {_reason(error)}", "use a P-256 or an RSA 2048 key"
        ) from error


def _fill(context: SSL.Context, certificate: Certificate) -> None:
    leaf, *issuers = certificate.chain
    context.use_certificate(leaf)
    for issuer in issuers:
        context.add_extra_chain_cert(issuer)
    context.use_privatekey(certificate.key)
    context.check_privatekey()


def _believe_these(context: SSL.Context, issuers: tuple[x509.Certificate, ...]) -> None:
    trusted = context.get_cert_store()
    for issuer in issuers:
        context.add_client_ca(issuer)
        if trusted is not None:
            trusted.add_cert(crypto.X509.from_cryptography(issuer))


def _believe(context: SSL.Context, authorities: Path | None) -> None:
    """A folder of this system's is read as it is needed, which takes less memory than all in one file."""
    if authorities is None:
        if SYSTEM_FOLDER.is_dir():
            context.load_verify_locations(None, str(SYSTEM_FOLDER))
        else:
            context.set_default_verify_paths()
        return
    try:
        context.load_verify_locations(str(authorities))
    except SSL.Error as error:
        raise CertificateError(
            authorities, f"OpenSSL refuses it: {_reason(error)}", "name a file of PEM certificates"
        ) from error


def _choose_protocol(connection: SSL.Connection, offered: list[bytes]) -> Any:
    """RFC 7301 3.2: with nothing in common the handshake fails, where the protocol is ours to insist on."""
    wanted = connection.alpn if isinstance(connection, Connection) else ()
    chosen = next((protocol for protocol in wanted if protocol in offered), None)
    if chosen is None and wanted:
        raise NoApplicationProtocol
    return SSL.NO_OVERLAPPING_PROTOCOLS if chosen is None else chosen


def _reason(error: Exception) -> str:
    """OpenSSL's own last words."""
    details = error.args[0] if error.args else None
    return str(details[-1][-1]) if isinstance(details, list) and details else str(error)
