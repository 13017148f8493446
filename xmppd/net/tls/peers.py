"""What is known of the other end of a TLS connection: whether its certificate is believed, and what it names.

XEP-0178 (JIDs in client certificates), RFC 5929 and RFC 9266 (channel binding). Not covered: whether a server's
certificate covers the domain that the server speaks for (RFC 6125), which is asked by who authenticates it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL, crypto

from xmppd.net.tls.certificates import Certificate
from xmppd.net.tls.dane import Pinned, is_pinned
from xmppd.net.tls.names import addresses_in
from xmppd.net.tls.purposes import Purpose, Trust
from xmppd.net.transport.tls_socket import clear_errors, is_handshake_unique

_VERIFY = SSL.VERIFY_PEER | SSL.VERIFY_CLIENT_ONCE
_WRONG_USAGE: Final = 26  # X509_V_ERR_INVALID_PURPOSE
_ROLES: Final = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
_EXPORTER_LABEL = b"EXPORTER-Channel-Binding"
_EXPORTER_BYTES = 32


class Connection(SSL.Connection):
    """One connection, and what OpenSSL does not remember of its peer."""

    alpn: tuple[bytes, ...] = ()
    """What a client that offers protocols must have among them; empty: whatever it offers is passed over."""
    is_peer_verified = False
    """Whether the peer showed a certificate whose chain leads to somebody who is believed.

    Stays False on a resumed session: the ticket does not tell who was believed when it was given.
    """
    authorities: Path | None = None
    """The file of those who were asked whether they have issued it; None: those of this system."""
    pinned: Pinned | None = None
    """What DNS says of the peer's certificate."""
    has_bad_peer = False
    passes_usage = False
    """Whether a certificate for the other role will do: authorities certify servers for the server's role alone, and
    a server that connects to another one is the client there."""

    @property
    def is_as_pinned(self) -> bool:
        """Whether there are such records, and the certificate is what they say."""
        return self.pinned is not None and is_pinned(self, self.pinned, self.is_peer_verified)

    @property
    def certificate(self) -> Certificate | None:
        """The certificate that the peer was shown."""
        shown = self.get_context().get_app_data()
        return shown if isinstance(shown, Certificate) else None


@dataclass(frozen=True, slots=True)
class Shown:
    """The certificate that the other end of a connection has shown."""

    names: tuple[str, ...]
    is_trusted: bool
    """Whether its chain leads to somebody who is believed, and it is not out of date; or it is as DNS says (DANE)."""
    expires_at: float
    """Seconds since 1970."""
    tls_version: str = ""
    is_pinned: bool = False
    """Whether it is as DNS says."""


class HasHandle(Protocol):
    """A transport of Twisted's or of ours: with TLS its handle is the `SSL.Connection`."""

    def getHandle(self) -> object:
        """Give the connection or the socket."""


def tls_version(transport: HasHandle) -> str:
    """Give the version that is spoken, as OpenSSL names it, such as ``TLSv1.3``; "" without TLS."""
    handle = transport.getHandle()
    return handle.get_protocol_version_name() if isinstance(handle, SSL.Connection) else ""


def ask_peer(connection: Connection, purpose: Purpose, certificate: Certificate | None) -> None:
    """Ask for the peer's certificate where the purpose says so; none, or an unknown one, is no error.

    Then no tickets are given: a resumed session would not tell by whom the peer was believed.
    """
    is_asked = purpose.trust is Trust.AUTHORITIES or (
        purpose.trust is Trust.CLIENT_ISSUERS and certificate is not None and bool(certificate.client_issuers)
    )
    if is_asked:
        connection.passes_usage = purpose.trust is Trust.AUTHORITIES
        connection.set_verify(_VERIFY, _judge)
        connection.set_options(SSL.OP_NO_TICKET)
    else:
        connection.set_verify(SSL.VERIFY_NONE)


def _judge(connection: SSL.Connection, shown: crypto.X509, problem: int, depth: int, is_good: int) -> bool:
    """Note what OpenSSL says about each certificate of the peer's chain, the peer's own one last."""
    assert isinstance(connection, Connection)
    is_passed = problem == _WRONG_USAGE and connection.passes_usage and _is_for_tls(shown.to_cryptography())
    if (not is_good or problem) and not is_passed:
        connection.has_bad_peer = True
        clear_errors()  # a forged signature leaves some: OpenSSL before 4.0 would lay them on who reads next
    connection.is_peer_verified = depth == 0 and not connection.has_bad_peer
    return True


def _is_for_tls(certificate: x509.Certificate) -> bool:
    """Whether a certificate is for one of the two roles in TLS, or says nothing about that (RFC 5280 4.2.1.12)."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except (x509.DuplicateExtension, ValueError):
        return False
    return any(each in usages for each in _ROLES)


def channel_bindings(connection: SSL.Connection) -> dict[str, bytes]:
    """Give the channel-binding data by type, after the handshake.

    ``tls-exporter`` with TLS 1.3 (RFC 9266), ``tls-unique`` before it (RFC 5929 3: the first Finished message, which
    is the client's), ``tls-server-end-point`` always (RFC 5929 4). No ``tls-unique`` on a resumed connection, or
    without the extended master secret: there it may be another connection's as well (RFC 7627 1).
    """
    bindings = {}
    if connection.get_protocol_version() >= SSL.TLS1_3_VERSION:
        bindings["tls-exporter"] = connection.export_keying_material(_EXPORTER_LABEL, _EXPORTER_BYTES, b"")
    elif is_handshake_unique(connection):
        bindings["tls-unique"] = connection.get_peer_finished() or b""
    certificate = connection.get_context().get_app_data()
    if isinstance(certificate, Certificate):
        bindings["tls-server-end-point"] = certificate.end_point
    return bindings


def client_jids(connection: SSL.Connection, host: str) -> list[str]:
    """Give the bare JIDs at *host* that a verified client certificate names (XEP-0178 3), prepared.

    None of a certificate that does not verify, of a resumed session, or shown to another host of ours: each
    host has its own issuers.
    """
    if not isinstance(connection, Connection) or not connection.is_peer_verified:
        return []
    asked = connection.certificate
    shown = connection.get_peer_certificate(as_cryptography=True)
    if asked is None or asked.host != host or shown is None:
        return []
    return [jid for jid in addresses_in(shown) if "@" in jid and jid.partition("@")[2] == host]
