"""What does the operations on certificates."""

from typing import TypedDict

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from xmppd.admin.control.names import served
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.core.operations.running import does
from xmppd.net.tls.certificates import Certificate
from xmppd.net.tls.dane import record_of


class CertificateRow(TypedDict):
    """What one host shows."""

    host: str
    names: list[str]
    issuer: str
    begins: str
    expires: str
    file: str
    self_made: bool
    sha256: str


class CertificateDetails(TypedDict):
    """All of what one host shows."""

    certificate: CertificateRow
    key: str
    """Its kind and size, in words."""
    issuers: list[str]
    """Who stands behind it in its file."""
    tlsa: str
    """The data of a TLSA record for its key (RFC 6698 2.1), for DNS."""


@does("cert.list")
def cert_list(parts: ControlParts) -> list[CertificateRow]:
    """Give the certificate of each domain, in the order of the configuration."""
    return [_row(host, shown) for host, shown in parts.certificates().items()]


@does("cert.show")
def cert_show(parts: ControlParts, host: str) -> CertificateDetails:
    """Give all of the certificate of the domain *host*; `ControlError` where it has none of its own."""
    name = served(parts.hosts, host).name
    shown = parts.certificates().get(name)
    if shown is None:
        why = f"{name} has no certificate of its own; to see which there are: xmppctl cert list"
        raise ControlError("no-certificate", why)
    return {
        "certificate": _row(name, shown),
        "key": _kind_of_key(shown.chain[0]),
        "issuers": [_called(each.subject) for each in shown.chain[1:]],
        "tlsa": record_of(shown.chain[0]),
    }


def _row(host: str, shown: Certificate) -> CertificateRow:
    return {
        "host": host,
        "names": sorted(shown.names),
        "issuer": _called(shown.chain[0].issuer),
        "begins": shown.begins_at.isoformat(timespec="seconds"),
        "expires": shown.expires_at.isoformat(timespec="seconds"),
        "file": str(shown.files.certificate),
        "self_made": shown.files.is_self_made,
        "sha256": shown.fingerprint,
    }


def _called(name: x509.Name) -> str:
    """Give what people call an issuer: its organisation and its name."""
    said = [
        str(each.value)
        for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        for each in name.get_attributes_for_oid(oid)
    ]
    return ", ".join(said) or name.rfc4514_string()


def _kind_of_key(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA, {key.key_size} bits"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"elliptic curve, {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey")
