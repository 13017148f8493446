"""The one maker of certificates for tests and benchmarks: any names, any dates, any issuer."""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from xmppd.net.tls.names import SRV_NAME, XMPP_ADDRESS

_UTF8_STRING, _IA5_STRING = 0x0C, 0x16
_LONG = 0x80

Key = ec.EllipticCurvePrivateKey
Extension = tuple[x509.ExtensionType, bool]
"""With whether it is critical."""


def make_key() -> Key:
    """Make a P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def common_name(text: str) -> x509.Name:
    """Give the name of a subject or issuer."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certify(
    key: Key,
    subject: x509.Name,
    begins: datetime,
    ends: datetime,
    *,
    by: tuple[x509.Name, Key] | None = None,
    extensions: Sequence[Extension] = (),
    algorithm: hashes.SHA256 | hashes.SHA384 | None = None,
) -> x509.Certificate:
    """Certify *key*; *by* whom, the key itself without it."""
    issuer, signer = by or (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(signer, algorithm or hashes.SHA256())


def names_of(names: Sequence[x509.GeneralName]) -> Extension:
    """Give the extension with these names."""
    return x509.SubjectAlternativeName(names), False


def dns(*names: str) -> list[x509.GeneralName]:
    """Give dNSNames."""
    return [x509.DNSName(name) for name in names]


def xmpp_addr(jid: str) -> x509.OtherName:
    """Give an id-on-xmppAddr, as XEP-0178 puts it into a client's certificate."""
    return x509.OtherName(XMPP_ADDRESS, _der(_UTF8_STRING, jid.encode()))


def srv_name(text: str) -> x509.OtherName:
    """Give an id-on-dnsSRV."""
    return x509.OtherName(SRV_NAME, _der(_IA5_STRING, text.encode()))


def pem_of(thing: x509.Certificate | Key | rsa.RSAPrivateKey, password: bytes | None = None) -> bytes:
    """Give the PEM text of a certificate or key."""
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM)
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    return thing.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < _LONG:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG | len(length)]) + length + content
