"""A self-made P-256 certificate for localhost, the same for every server of a run."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME = datetime.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM: the certificate, its key, and both in one (as ejabberd likes it)."""

    chain: Path
    key: Path
    both: Path


def make_certificate(folder: Path) -> Certificate:
    """Make key and certificate in a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.DNSName("rooms.localhost")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain_pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = Certificate(folder / "localhost.crt", folder / "localhost.key", folder / "localhost.pem")
    for path, content in ((files.chain, chain_pem), (files.key, key_pem), (files.both, key_pem + chain_pem)):
        path.touch(mode=0o600)
        path.write_bytes(content)
    return files
