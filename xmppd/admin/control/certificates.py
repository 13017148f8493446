"""What does the operations on certificates."""

from typing import TypedDict

from cryptography import x509
from cryptography.x509.oid import NameOID

from xmppd.admin.control.parts import ControlParts
from xmppd.core.operations.running import does
from xmppd.net.tls.certificates import Certificate


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


@does("cert.list")
def cert_list(parts: ControlParts) -> list[CertificateRow]:
    """Give the certificate of each domain, in the order of the configuration."""
    return [_row(host, shown) for host, shown in parts.certificates().items()]


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
