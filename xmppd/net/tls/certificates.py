"""The certificates of the hosts: read from files, and found by the name that a client asks for.

RFC 5280 certificates in PEM files; RFC 6125 6.4 for the names that they cover; RFC 5929 4 for the hash that
binds a channel to a certificate. No ACME and no OCSP. A self-made certificate is made where it is missing and
made anew, with its old key, at a start or a reload within its last `RENEW_DAYS` days.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from xmppd.config.findings import Finding
from xmppd.core.turns import StepsTo, whole
from xmppd.net.tls.reading import CertificateError as CertificateError
from xmppd.net.tls.reading import chain_in, key_in, public_bytes, read_file
from xmppd.net.tls.self_signed import PrivateKey, make_self_signed, to_ascii

RENEW_DAYS = 30
LOOKED_AT = 200
"""The cost of reading a host's files (`xmppd.core.turns`)."""
PARSED = 1_000
"""Of parsing what is new in them, too; a signature of a large RSA key takes three times as long."""
_WEAK_HASHES = ("md5", "sha1")


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

    @property
    def begins_at(self) -> datetime:
        """Give the beginning of its validity, aware UTC."""
        return self.chain[0].not_valid_before_utc

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
        """Do `reading` and `take` at once; gives what is wrong."""
        read = whole(self.reading(hosts))
        self.take(read)
        return read.findings

    def reading(self, hosts: Iterable[HostFiles] | None = None) -> "StepsTo[Read]":
        """Read again what has changed on disk, host by host; *hosts* where the configuration has changed too.

        Files with the old content keep the old `Certificate` object. What cannot be read keeps the old one as
        well and is reported; a new host of which nothing can be read is reported and left out. Nothing is in force
        before `take`.
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
            yield LOOKED_AT if entries.get(files.host) is old else PARSED
        return Read(entries or self._entries, findings)

    def take(self, read: "Read") -> None:
        """Put in force what was read."""
        self._entries = read.entries
        self._aliases = self._make_aliases()

    def _make_aliases(self) -> Mapping[str, str]:
        """Clients ask for an A-label in SNI and may write the U-label in a stream header."""
        return {to_ascii(host): host for host in self._entries}


class Read(NamedTuple):
    """What came of reading all files again."""

    entries: "dict[str, _Entry]"
    findings: list[Finding]

    def by_host(self) -> dict[str, Certificate]:
        """As `CertificateStore.by_host`."""
        return {host: entry.certificate for host, entry in self.entries.items()}


def read_certificate(files: HostFiles) -> Certificate:
    """Read and check the files of one host; raises `CertificateError`."""
    return _parse(files, _read(files))


_Contents = tuple[bytes, bytes, bytes | None]
"""What stands in the three files of a host: certificate, key, issuers of clients."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A host's files, and what was read."""

    files: HostFiles
    digest: bytes
    certificate: Certificate


def _read_entry(files: HostFiles, now: datetime) -> _Entry:
    if files.is_self_made:
        _make_if_needed(files, now)
    contents = _read(files)
    return _Entry(files, _digest(contents), _parse(files, contents))


def _refreshed(old: _Entry | None, files: HostFiles, now: datetime) -> _Entry:
    if old is None or old.files != files:
        return _read_entry(files, now)
    if files.is_self_made:
        _make_if_needed(files, now)
    contents = _read(files)  # a new file may have the size and the time of the old one
    digest = _digest(contents)
    return old if digest == old.digest else _Entry(files, digest, _parse(files, contents))


def _make_if_needed(files: HostFiles, now: datetime) -> None:
    key = None
    # os.path and not Path: in a folder that may not be entered nothing is there, and nothing can be made
    if os.path.exists(files.key):
        key = key_in(files.key, read_file(files.key))
        if os.path.exists(files.certificate) and _lasts(files, now):
            return
    try:
        make_self_signed(files.host, files.certificate, files.key, now, key)
    except OSError as error:
        why = f"the certificate of {files.host} cannot be written: {error.strerror}"
        raise CertificateError(files.certificate, why, "make the folder writable for xmppd") from error


def _lasts(files: HostFiles, now: datetime) -> bool:
    """Not if it was made while the clock was years ahead, either: nobody would take it for years."""
    certificate = read_certificate(files)
    left = certificate.expires_at - now
    return certificate.begins_at <= now and timedelta(days=RENEW_DAYS) <= left


def _read(files: HostFiles) -> _Contents:
    return (
        read_file(files.certificate),
        read_file(files.key),
        None if files.client_ca is None else read_file(files.client_ca),
    )


def _digest(contents: _Contents) -> bytes:
    parts = (b"" if content is None else hashlib.sha256(content).digest() for content in contents)
    return hashlib.sha256(b"".join(parts)).digest()


def _parse(files: HostFiles, contents: _Contents) -> Certificate:
    certificate, private, issuers = contents
    chain = tuple(chain_in(files.certificate, certificate))
    key = key_in(files.key, private)
    if public_bytes(key) != public_bytes(chain[0]):
        why = f"is not the key of the first certificate in {files.certificate}"
        remedy = "name the key that the certificate was made for, and put the host's own certificate first"
        raise CertificateError(files.key, why, remedy)
    client_ca = (
        () if files.client_ca is None or issuers is None else tuple(chain_in(files.client_ca, issuers))
    )
    return Certificate(files, chain, key, client_ca)


def finding(host: str, error: CertificateError, has_old: bool) -> Finding:
    """Say what a certificate that cannot be used means for *host*."""
    what = (
        f"the certificate of {host} stays as it was" if has_old else f"{host} has no certificate of its own"
    )
    return Finding("tls.certificate", "error", str(error.file), what, error.why, error.remedy)


def utc_now() -> datetime:
    """Give the wall time, aware UTC."""
    return datetime.now(UTC)
