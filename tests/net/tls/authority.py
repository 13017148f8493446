"""Certificates and TLS conversations in memory, for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL

from xmppd.net.tls.certificates import HostFiles

NOW = datetime.now(UTC)
_PEM = serialization.Encoding.PEM


class Authority:
    """Signs certificates."""

    def __init__(
        self, name: str = "test authority", above: "Authority | None" = None, days: int = 90
    ) -> None:
        """*above* certifies it; None: it does so itself."""
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (
            _builder(self.name, (above or self).name, self.key, days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign((above or self).key, hashes.SHA256())
        )

    def issue(
        self,
        names: Sequence[x509.GeneralName],
        *,
        is_client: bool = False,
        is_both: bool = False,
        days: int = 90,
        algorithm: hashes.SHA256 | hashes.SHA384 | None = None,
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """Give a certificate for *names* and its key; *is_both*: for both roles, as servers need it."""
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH if is_client else ExtendedKeyUsageOID.SERVER_AUTH]
        if is_both:
            usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
        certificate = (
            _builder(subject, self.name, key, days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .sign(self.key, algorithm or hashes.SHA256())
        )
        return certificate, key

    def write_host(
        self,
        folder: Path,
        host: str,
        *names: str,
        client_ca: Path | None = None,
        is_both: bool = False,
        days: int = 90,
    ) -> HostFiles:
        """Write certificate and key of a host; *names* are what it covers, the host alone if there are none."""
        certificate, key = self.issue(
            [x509.DNSName(name) for name in names or (host,)], is_both=is_both, days=days
        )
        files = HostFiles(host, folder / f"{host}.crt", folder / f"{host}.key", client_ca)
        files.certificate.write_bytes(certificate.public_bytes(_PEM) + self.certificate.public_bytes(_PEM))
        files.key.write_bytes(private_pem(key))
        return files


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int = 90
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=100))
        .not_valid_after(NOW + timedelta(days=days))
    )


def private_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    """Give a key as the text of a file."""
    encryption = (
        serialization.NoEncryption()
        if passphrase is None
        else serialization.BestAvailableEncryption(passphrase)
    )
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, encryption)


def xmpp_addr(jid: str) -> x509.OtherName:
    """Give the name that XEP-0178 puts into a client's certificate."""
    text = jid.encode()
    length = bytes([len(text)]) if len(text) < 0x80 else bytes([0x82]) + len(text).to_bytes(2, "big")
    return x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5"), b"\x0c" + length + text)


def client_context(
    *, max_version: int = 0, certificate: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None
) -> SSL.Context:
    """Give a client's context that trusts everybody."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_max_proto_version(max_version)
    if certificate is not None:
        context.use_certificate(certificate[0])
        context.use_privatekey(certificate[1])
    return context


def client(
    context: SSL.Context | None = None,
    *,
    server_name: str | None = None,
    alpn: Sequence[bytes] = (),
    session: SSL.Session | None = None,
) -> SSL.Connection:
    """Give a client's side on memory buffers."""
    connection = SSL.Connection(context or client_context(), None)
    connection.set_connect_state()
    if server_name is not None:
        connection.set_tlsext_host_name(server_name.encode())
    if alpn:
        connection.set_alpn_protos(list(alpn))
    if session is not None:
        connection.set_session(session)
    return connection


def shake_hands(one: SSL.Connection, other: SSL.Connection) -> None:
    """Carry a handshake to its end; what fails it is raised, the peer's alert rather than our own error."""
    done: set[SSL.Connection] = set()
    for _ in range(10):
        for side, peer in ((one, other), (other, one)):
            try:
                side.do_handshake()
                done.add(side)
            except SSL.WantReadError:
                pass
            finally:
                carry(side, peer)
        if len(done) == 2:
            return
    raise AssertionError("the handshake does not end")


def carry(one: SSL.Connection, other: SSL.Connection) -> bytes:
    """Move what *one* has to send to *other*; give it."""
    try:
        data = one.bio_read(1 << 17)
    except SSL.WantReadError:
        return b""
    other.bio_write(data)
    return data


def common_handshake(server: SSL.Connection, peer: SSL.Connection) -> SSL.Connection:
    """Shake hands and take the tickets; give the client."""
    shake_hands(peer, server)
    server.send(b"x")
    carry(server, peer)
    assert peer.recv(1) == b"x"
    return peer


def errors_left() -> int:
    """Give the first error in this thread's queue, 0 where there is none; pyOpenSSL has no method for it."""
    return int(SSL._lib.ERR_peek_error())  # type: ignore[attr-defined]
