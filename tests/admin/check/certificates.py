"""Certificates made for a test: any names, any dates, any issuer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from xmppd.net.tls.names import SRV_NAME, XMPP_ADDRESS

YEAR = timedelta(days=365)


def make_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def make_certificate(
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[x509.GeneralName],
    begins: datetime,
    lasts: timedelta = YEAR,
) -> x509.Certificate:
    """Sign a certificate of *key* with itself; its common name says nothing."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "common.example")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + lasts)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


def dns(*names: str) -> list[x509.GeneralName]:
    """Give dNSNames."""
    return [x509.DNSName(name) for name in names]


def address(text: str) -> list[x509.GeneralName]:
    """Give an iPAddress."""
    return [x509.IPAddress(ip_address(text))]


def xmpp_address(text: str) -> list[x509.GeneralName]:
    """Give an id-on-xmppAddr."""
    return [x509.OtherName(XMPP_ADDRESS, _der(0x0C, text.encode()))]


def srv_name(text: str) -> list[x509.GeneralName]:
    """Give an id-on-dnsSRV."""
    return [x509.OtherName(SRV_NAME, _der(0x16, text.encode()))]


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x81, size])
    return bytes([tag]) + length + content


def pem_of(thing: x509.Certificate | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    """Give the PEM text of a certificate or key."""
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM)
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    return thing.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def write_private(file: Path, content: bytes) -> Path:
    """Write *content* for its owner's eyes only."""
    file.write_bytes(content)
    file.chmod(0o600)
    return file
