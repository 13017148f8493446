"""A certificate that a host signs itself, for the time until it has a better one."""

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import idna
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from xmppd.storage.replacing import replace_file

SELF_MADE_DAYS = 825
"""How long it lasts: the most that Apple's libraries take from any server."""

_COMMON_NAME_MAX = 64  # X.520: ub-common-name
_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # UTS 46, 4.5
_BACKDATED = timedelta(hours=1)  # for clients whose clock is a little late

PrivateKey = (
    dsa.DSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | rsa.RSAPrivateKey
)


def make_self_signed(
    host: str,
    certificate: Path,
    key: Path,
    now: datetime,
    private: PrivateKey | None = None,
    more: Sequence[str] = (),
) -> None:
    """Write a P-256 key (mode 0600) and a certificate for *host*; *private* is the key to keep, if any.

    *more* are other names that it is for.

    The names are the host's and, for ``localhost``, the loopback addresses. Folders are made (mode 0700),
    each file is replaced in one step. Raises OSError.
    """
    signer = ec.generate_private_key(ec.SECP256R1()) if private is None else private
    pem = serialization.Encoding.PEM
    secret = signer.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for file in (key, certificate):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(key, secret, 0o600)
    replace_file(certificate, _sign((host, *more), signer, now).public_bytes(pem), 0o644)


def to_ascii(name: str) -> str:
    """Give a DNS name in lower case with A-labels; what is none comes back in lower case.

    Labels in ASCII stay as they are: those of services, as ``_xmpp-server``, are none of a host (RFC 2782).
    """
    lowered = name.lower().rstrip(".")
    if lowered.isascii():
        return lowered
    try:
        return ".".join(map(_label_to_ascii, _DOTS.split(lowered)))
    except (idna.IDNAError, UnicodeError):
        return lowered


def _label_to_ascii(label: str) -> str:
    return label if label.isascii() else idna.encode(label, uts46=True).decode("ascii")


def _sign(hosts: Sequence[str], key: PrivateKey, now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, to_ascii(hosts[0])[:_COMMON_NAME_MAX])])
    public = key.public_key()
    starts_at = now - _BACKDATED
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts_at)
        .not_valid_after(starts_at + timedelta(days=SELF_MADE_DAYS))
        .add_extension(x509.SubjectAlternativeName([n for h in hosts for n in _names(h)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    is_edwards = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return builder.sign(key, None if is_edwards else hashes.SHA256())


def _names(host: str) -> list[x509.GeneralName]:
    try:
        return [x509.IPAddress(ipaddress.ip_address(host.strip("[]")))]
    except ValueError:
        pass
    names: list[x509.GeneralName] = [x509.DNSName(to_ascii(host))]
    if host == "localhost":
        names += [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1")]
    return names
