"""The certificates of the hosts: read from files, and found by the name that a client asks for.

RFC 5280 certificates in PEM files; RFC 6125 6.4 for the names that they cover; RFC 5929 4 for the hash that
binds a channel to a certificate. No ACME and no OCSP. A self-made certificate is made where it is missing and
made anew, with its old key, at a start or a reload within its last `RENEW_DAYS` days.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

from xmppd.config.findings import Finding
from xmppd.net.tls.self_signed import PrivateKey, make_self_signed, to_ascii

RENEW_DAYS = 30
_WEAK_HASHES = ("md5", "sha1")


class CertificateError(ValueError):
    """Why a certificate cannot be used; `file` is the one to look at, `remedy` says what to do."""

    def __init__(self, file: Path, why: str, remedy: str) -> None:
        super().__init__(f"{file}: {why}; {remedy}")
        self.file = file
        self.why = why
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class HostFiles:
    """Where a host's certificate lies.

    *certificate* is a PEM file with the host's own certificate first and then its issuers; *key* may be the
    same file. *client_ca* holds the issuers whose clients may log in by certificate; None: no client
    certificate is asked for. *is_self_made*: the first two are made when missing, and renewed.
    """

    host: str
    certificate: Path
    key: Path
    client_ca: Path | None = None
    is_self_made: bool = False


class Certificate:
    """What was read for one host: its chain and key, and the issuers of its clients."""

    def __init__(
        self,
        files: HostFiles,
        chain: tuple[x509.Certificate, ...],
        key: PrivateKey,
        client_issuers: tuple[x509.Certificate, ...] = (),
    ) -> None:
        self.host = files.host
        self.files = files
        self.chain = chain
        self.key = key
        self.client_issuers = client_issuers

    @property
    def fingerprint(self) -> str:
        """Give the SHA-256 fingerprint as people compare it: ``AB:CD:…``."""
        return self.chain[0].fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def expires_at(self) -> datetime:
        """Give the end of its validity, aware UTC."""
        return self.chain[0].not_valid_after_utc

    @cached_property
    def end_point(self) -> bytes:
        """Give the data of ``tls-server-end-point`` (RFC 5929 4.1): a hash, never MD5 or SHA-1.

        Ed25519 and Ed448 name no hash, and RFC 5929 leaves that case open: SHA-256, as other servers do.
        """
        leaf = self.chain[0]
        algorithm = leaf.signature_hash_algorithm
        name = "sha256" if algorithm is None or algorithm.name in _WEAK_HASHES else algorithm.name
        return hashlib.new(name, leaf.public_bytes(serialization.Encoding.DER)).digest()

    @cached_property
    def names(self) -> frozenset[str]:
        """Give the DNS names that it covers, lower case, A-labels; ``*.`` stays as it is."""
        try:
            extension = self.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (x509.ExtensionNotFound, ValueError):
            return frozenset()
        return frozenset(name.lower() for name in extension.value.get_values_for_type(x509.DNSName))

    def covers(self, name: str) -> bool:
        """Say whether *name* is among its DNS names; ``*`` stands for exactly one label (RFC 6125 6.4.3)."""
        ascii_name = to_ascii(name)
        parent = ascii_name.partition(".")[2]
        return ascii_name in self.names or bool(parent and f"*.{parent}" in self.names)


class CertificateStore:
    """The certificates of all hosts; the first host's is the default.

    Reads files: used at the start and at a reload, never while a stanza waits.
    """

    def __init__(self, hosts: Iterable[HostFiles], now: Callable[[], datetime]) -> None:
        """Read all; the first mistake raises `CertificateError`. A ValueError where there are no hosts."""
        self._now = now
        self._entries = {files.host: _read_entry(files, now()) for files in hosts}
        if not self._entries:
            raise ValueError("no host, no certificate")
        self._aliases = self._make_aliases()

    def find(self, name: str | None) -> Certificate:
        """Give the certificate of the host *name*, else one that covers the name, else the default."""
        host = self._aliases.get(to_ascii(name)) if name else None
        if host is not None:
            return self._entries[host].certificate
        certificates = [entry.certificate for entry in self._entries.values()]
        if name:
            return next((one for one in certificates if one.covers(name)), certificates[0])
        return certificates[0]

    def by_host(self) -> dict[str, Certificate]:
        """Give each host's certificate, in the order of the configuration."""
        return {host: entry.certificate for host, entry in self._entries.items()}

    def reload(self, hosts: Iterable[HostFiles] | None = None) -> list[Finding]:
        """Read again what has changed on disk; *hosts* where the configuration has changed too.

        Files with the old content keep the old `Certificate` object. What cannot be read keeps the old one as
        well and is reported; a new host of which nothing can be read is reported and left out.
        """
        wanted = [entry.files for entry in self._entries.values()] if hosts is None else list(hosts)
        entries: dict[str, _Entry] = {}
        findings: list[Finding] = []
        for files in wanted:
            old = self._entries.get(files.host)
            try:
                entries[files.host] = _refreshed(old, files, self._now())
            except CertificateError as error:
                findings.append(finding(files.host, error, old is not None))
                if old is not None:
                    entries[files.host] = old
        if entries:
            self._entries = entries
            self._aliases = self._make_aliases()
        return findings

    def _make_aliases(self) -> Mapping[str, str]:
        """Clients ask for an A-label in SNI and may write the U-label in a stream header."""
        return {to_ascii(host): host for host in self._entries}


def read_certificate(files: HostFiles) -> Certificate:
    """Read and check the files of one host; raises `CertificateError`."""
    return _parse(files, _read(files))


_Contents = tuple[bytes, bytes, bytes | None]
"""What stands in the three files of a host: certificate, key, issuers of clients."""
_Signs = tuple[tuple[int, int] | None, ...]
"""Modification time in ns and size of each file: equal signs mean that nothing has to be read."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A host's files, what they looked like, and what was read."""

    files: HostFiles
    signs: _Signs
    digest: bytes
    certificate: Certificate


def _read_entry(files: HostFiles, now: datetime) -> _Entry:
    if files.is_self_made:
        _make_if_needed(files, now)
    signs = _signs(files)
    contents = _read(files)
    return _Entry(files, signs, _digest(contents), _parse(files, contents))


def _refreshed(old: _Entry | None, files: HostFiles, now: datetime) -> _Entry:
    if old is None or old.files != files:
        return _read_entry(files, now)
    if files.is_self_made:
        _make_if_needed(files, now)
    signs = _signs(files)
    if signs == old.signs:
        return old
    contents = _read(files)
    digest = _digest(contents)
    certificate = old.certificate if digest == old.digest else _parse(files, contents)
    return _Entry(files, signs, digest, certificate)


def _make_if_needed(files: HostFiles, now: datetime) -> None:
    key = None
    if files.key.exists():
        key = _load_key(files.key, _read_file(files.key))
        if files.certificate.exists() and _lasts(files, now):
            return
    try:
        make_self_signed(files.host, files.certificate, files.key, now, key)
    except OSError as error:
        why = f"the certificate of {files.host} cannot be written: {error.strerror}"
        raise CertificateError(files.certificate, why, "make the folder writable for xmppd") from error


def _lasts(files: HostFiles, now: datetime) -> bool:
    return read_certificate(files).expires_at - now >= timedelta(days=RENEW_DAYS)


def _signs(files: HostFiles) -> _Signs:
    def sign(file: Path | None) -> tuple[int, int] | None:
        try:
            status = None if file is None else file.stat()
        except OSError:
            return None
        return None if status is None else (status.st_mtime_ns, status.st_size)

    return sign(files.certificate), sign(files.key), sign(files.client_ca)


def _read(files: HostFiles) -> _Contents:
    return (
        _read_file(files.certificate),
        _read_file(files.key),
        None if files.client_ca is None else _read_file(files.client_ca),
    )


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        raise CertificateError(file, why, "check the path and who may read it") from error


def _digest(contents: _Contents) -> bytes:
    parts = (b"" if content is None else hashlib.sha256(content).digest() for content in contents)
    return hashlib.sha256(b"".join(parts)).digest()


def _parse(files: HostFiles, contents: _Contents) -> Certificate:
    certificate, private, issuers = contents
    chain = _load_chain(files.certificate, certificate)
    key = _load_key(files.key, private)
    if _public_bytes(key.public_key()) != _public_bytes(chain[0].public_key()):
        why = f"is not the key of the first certificate in {files.certificate}"
        remedy = "name the key that the certificate was made for, and put the host's own certificate first"
        raise CertificateError(files.key, why, remedy)
    client_ca = () if files.client_ca is None or issuers is None else _load_chain(files.client_ca, issuers)
    return Certificate(files, chain, key, client_ca)


def _load_chain(file: Path, content: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(content))
    except ValueError as error:
        remedy = "one starts with -----BEGIN CERTIFICATE-----"
        raise CertificateError(file, "holds no certificate in PEM form", remedy) from error


def _load_key(file: Path, content: bytes) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(content, None)
    except TypeError as error:
        remedy = "take it off: openssl pkey -in OLD -out NEW"
        raise CertificateError(file, "the key has a passphrase", remedy) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        remedy = "one starts with -----BEGIN PRIVATE KEY-----"
        raise CertificateError(file, "holds no private key in PEM form", remedy) from error
    if not isinstance(key, PrivateKey):
        raise CertificateError(
            file, "a key of this kind signs nothing in TLS", "use a P-256, Ed25519 or RSA key"
        )
    return key


def _public_bytes(key: object) -> bytes:
    assert hasattr(key, "public_bytes")
    spki: bytes = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return spki


def finding(host: str, error: CertificateError, has_old: bool) -> Finding:
    """Say what a certificate that cannot be used means for *host*."""
    what = (
        f"the certificate of {host} stays as it was" if has_old else f"{host} has no certificate of its own"
    )
    return Finding("tls.certificate", "error", str(error.file), what, error.why, error.remedy)


def utc_now() -> datetime:
    """Give the wall time, aware UTC."""
    return datetime.now(UTC)
