"""Certificates and keys are read from files here, once for all who need them."""

from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from xmppd.config.obstacles import Obstacle
from xmppd.net.tls.self_signed import PrivateKey

LET_READ = "let the server's user read it"


class CertificateError(ValueError):
    """Why a certificate cannot be used; `file` is the one to look at, `remedy` says what to do."""

    def __init__(self, file: Path, why: str, remedy: str, identifier: str = "tls.certificate") -> None:
        super().__init__(f"{file}: {why}; {remedy}")
        self.file = file
        self.why = why
        self.remedy = remedy
        self.id = identifier
        """As ``check`` calls it."""


def read_file(file: Path, identifier: str = "certificate.unreadable") -> bytes:
    """Give what is in *file*; raises `CertificateError`."""
    try:
        return file.read_bytes()
    except OSError as error:
        obstacle = Obstacle.of(file, error)
        remedy = LET_READ if obstacle.is_of_rights else "name the right file"
        raise CertificateError(file, obstacle.why, remedy, identifier) from error


def chain_in(file: Path, content: bytes) -> list[x509.Certificate]:
    """Give the certificates in the *content* of *file*, one at least; raises `CertificateError`."""
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as error:
        why, remedy = (
            "there is no certificate in PEM form in it",
            "put the certificate and its chain there as PEM",
        )
        if _is(x509.load_der_x509_certificate, content):
            why = f"{why}, but one in DER form"
            remedy = f"write it as PEM: openssl x509 -inform DER -in {file} -out NEW"
        elif _is_pkcs12(content):
            why, remedy = (
                f"{why}, but a PKCS #12 archive",
                f"write it as PEM: openssl pkcs12 -in {file} -nodes -out NEW",
            )
        elif b"-----BEGIN PKCS7" in content:
            why = f"{why}, but a PKCS #7 bundle"
            remedy = f"write it as PEM: openssl pkcs7 -print_certs -in {file} -out NEW"
        raise CertificateError(file, why, remedy, "certificate.not-pem") from error


def key_in(file: Path, content: bytes) -> PrivateKey:
    """Give the private key in the *content* of *file*; raises `CertificateError`.

    An RSA key is tried by a signature, which takes 0.7 ms with 2,048 bits and 3 with 4,096. The library's own check
    looks whether its factors are primes, as for a stranger's key, and takes 35 and 250.
    """
    try:
        key = serialization.load_pem_private_key(content, None, unsafe_skip_rsa_key_validation=True)
    except TypeError as error:
        why, remedy = "it needs a password", f"write it without one: openssl pkey -in {file} -out NEW"
        raise CertificateError(file, why, remedy, "certificate.key-encrypted") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        why, remedy = "there is no private key in PEM form in it", "set key to the file that has it"
        if _is(lambda der: serialization.load_der_private_key(der, None), content):
            why = f"{why}, but one in DER form"
            remedy = f"write it as PEM: openssl pkey -inform DER -in {file} -out NEW"
        raise CertificateError(file, why, remedy, "certificate.no-key") from error
    if not isinstance(key, PrivateKey):
        why, remedy = "a key of this kind signs nothing in TLS", "use a P-256, Ed25519 or RSA key"
        raise CertificateError(file, why, remedy, "certificate.no-key")
    if isinstance(key, rsa.RSAPrivateKey) and not _signs(key):
        why, remedy = (
            "the key in it is damaged: it signs nothing that its public half fits",
            "get it from a backup",
        )
        raise CertificateError(file, why, remedy, "certificate.no-key")
    return key


def public_bytes(of: x509.Certificate | PrivateKey) -> bytes:
    """Give the public key, by which a certificate and its private key are known to fit."""
    return of.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _signs(key: rsa.RSAPrivateKey) -> bool:
    scheme, hashed = padding.PKCS1v15(), hashes.SHA256()
    try:
        key.public_key().verify(key.sign(b"", scheme, hashed), b"", scheme, hashed)
    except (ValueError, InvalidSignature):
        return False
    return True


def _is(load: Callable[[bytes], object], content: bytes) -> bool:
    try:
        load(content)
    except TypeError:  # with a password
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _is_pkcs12(content: bytes) -> bool:
    try:
        pkcs12.load_pkcs12(content, None)
    except ValueError as error:
        return "password" in str(error).lower() and content[:1] == b"\x30"
    return True
