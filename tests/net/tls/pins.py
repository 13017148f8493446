"""TLSA records for certificates."""

from hashlib import sha256, sha512

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from xmppd.core.outgoing import Pin
from xmppd.net.tls.dane import CERTIFICATE

FULL, SHA256, SHA512 = range(3)


def pin(usage: int, selector: int, matching: int, certificate: x509.Certificate) -> Pin:
    """Give the record for *certificate*."""
    if selector == CERTIFICATE:
        data = certificate.public_bytes(Encoding.DER)
    else:
        data = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    hashed = {FULL: data, SHA256: sha256(data).digest(), SHA512: sha512(data).digest()}[matching]
    return Pin(usage, selector, matching, hashed)
