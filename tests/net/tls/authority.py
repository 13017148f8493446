"""Certificates and TLS conversations in memory, for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL

from tests.certificates import Key, certify, common_name, dns, make_key, names_of, pem_of
from xmppd.net.tls.certificates import HostFiles

NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(days=100)


class Authority:
    """Signs certificates."""

    def __init__(
        self, name: str = "test authority", above: "Authority | None" = None, days: int = 90
    ) -> None:
        """*above* certifies it; None: it does so itself."""
        self.key = make_key()
        self.name = common_name(name)
        signer = above or self
        self.certificate = certify(
            self.key,
            self.name,
            BEGAN,
            NOW + timedelta(days=days),
            by=(signer.name, signer.key),
            extensions=[(x509.BasicConstraints(ca=True, path_length=None), True)],
        )

    def issue(
        self,
        names: Sequence[x509.GeneralName],
        *,
        is_client: bool = False,
        is_both: bool = False,
        days: int = 90,
        algorithm: hashes.SHA256 | hashes.SHA384 | None = None,
    ) -> tuple[x509.Certificate, Key]:
        """Give a certificate for *names* and its key; *is_both*: for both roles, as servers need it."""
        key = make_key()
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH if is_client else ExtendedKeyUsageOID.SERVER_AUTH]
        if is_both:
            usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = certify(
            key,
            common_name("somebody"),
            BEGAN,
            NOW + timedelta(days=days),
            by=(self.name, self.key),
            extensions=[names_of(names), (x509.ExtendedKeyUsage(usages), False)],
            algorithm=algorithm,
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
        certificate, key = self.issue(dns(*(names or (host,))), is_both=is_both, days=days)
        files = HostFiles(host, folder / f"{host}.crt", folder / f"{host}.key", client_ca)
        files.certificate.write_bytes(pem_of(certificate) + pem_of(self.certificate))
        files.key.write_bytes(pem_of(key))
        return files


def client_context(
    *, max_version: int = 0, certificate: tuple[x509.Certificate, Key] | None = None
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
