"""``certificate.*``: whether each host's certificate can be read, is in force, fits its key and has its name.

Hosts for which the configuration names none have a certificate that the server makes itself, and renews: of these it is
only told that one has been spoilt.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509

from xmppd.admin.check.subject import Subject
from xmppd.config.certificates import certificate_files, closed_to_us, half_there
from xmppd.config.cross import is_public
from xmppd.config.findings import Finding, Severity
from xmppd.config.kinds import DomainKind
from xmppd.config.model import is_local
from xmppd.config.obstacles import obstacle_to_reading
from xmppd.config.options import HostSettings
from xmppd.net.tls.flaws import dates, flaws_of, flaws_of_place
from xmppd.net.tls.folder import search
from xmppd.net.tls.names import SERVER_SERVICES, covers
from xmppd.net.tls.options import SELF_MADE_FOLDER
from xmppd.net.tls.reading import LET_READ, CertificateError, chain_in, key_in, public_bytes, read_file

_Report = Callable[[str, Severity, str, str], Finding]


@dataclass(frozen=True, slots=True)
class _Pair:
    """The files of one host, with where the configuration names them."""

    host: str
    certificate: Path
    key: Path
    certificate_place: str
    key_place: str

    def of_certificate(self, identifier: str, severity: Severity, why: str, remedy: str) -> Finding:
        what = f'certificate of "{self.host}" ({self.certificate})'
        return Finding(identifier, severity, self.certificate_place, what, why, remedy)

    def of_key(self, identifier: str, severity: Severity, why: str, remedy: str) -> Finding:
        what = f'key of "{self.host}" ({self.key})'
        return Finding(identifier, severity, self.key_place, what, why, remedy)


def check_certificates(subject: Subject) -> Iterator[Finding]:
    """Look at the certificate of each host, and at the issuers of its clients' certificates.

    Components need none of their own, as long as some certificate here covers their names.
    """
    yield from _search_folder(subject)
    for host in subject.config.domains:
        if host.kind is not DomainKind.ACCOUNTS and host.certificate is None:
            yield from _of_component(subject, host)
            continue
        pair = _pair_of(subject, host)
        if isinstance(pair, Finding):
            yield pair
        elif pair:
            is_watched = is_public(subject.config) and not is_local(host.name)
            yield from _look_at(pair, subject.machine.now(), is_watched)
        else:
            yield from _self_made(subject, host.name)
        if host.client_ca:
            yield from _client_issuers(subject, host, host.client_ca)


def certificate_of(subject: Subject, host: str) -> tuple[Path, list[x509.Certificate]] | None:
    """Give the file of a domain's own certificate and its chain; None where there is none that can be read."""
    pair = _pair_of(subject, subject.config.for_domain(host))
    if pair is None:
        made = subject.config.data_dir / SELF_MADE_FOLDER / f"{host}.crt"
        pair = _Pair(host, made, made, str(made), str(made))
    if isinstance(pair, Finding):
        return None
    try:
        return pair.certificate, chain_in(pair.certificate, read_file(pair.certificate))
    except CertificateError:
        return None


def _of_component(subject: Subject, component: HostSettings) -> Iterator[Finding]:
    """Other servers believe that a component is here by a certificate that covers its name (RFC 9525, XEP-0178)."""
    config = subject.config
    if not config.is_federated or is_local(component.name):
        return
    leaves = [leaf for leaf in (_leaf_of(subject, domain) for domain in config.domains) if leaf is not None]
    if not leaves or any(covers(leaf, component.name, SERVER_SERVICES) for leaf in leaves):
        return
    why = "no certificate here covers its name, so that other servers reach nobody there"
    remedy = (
        "give it one (certificate, key, or in the folder of certificates), or add its name to that of a host"
    )
    what, place = f'certificate of "{component.name}"', config.source.place(config.table_of(component.name))
    yield Finding("certificate.component", "warning", place, what, why, remedy)


def _leaf_of(subject: Subject, domain: HostSettings) -> x509.Certificate | None:
    folder = subject.config.tls.certificates
    files = domain.certificate_files
    if files is None and folder is not None:
        files = search(folder, domain.name, subject.machine.now())
    try:
        return None if files is None else chain_in(files[0], read_file(files[0]))[0]
    except CertificateError:
        return None


def _search_folder(subject: Subject) -> Iterator[Finding]:
    folder = subject.config.tls.certificates
    if folder is None:
        return
    place = subject.config.source.place(("tls", "certificates"))
    what = f"the folder of certificates {folder}"
    obstacle = obstacle_to_reading(folder)
    if obstacle is not None:
        remedy = LET_READ if obstacle.is_of_rights else "make it, or remove the line"
        yield Finding("certificate.no-folder", "error", place, what, obstacle.why, remedy)
    elif not folder.is_dir():
        why, remedy = "it is a file and no folder", "name a folder, or remove the line"
        yield Finding("certificate.no-folder", "error", place, what, why, remedy)


def _pair_of(subject: Subject, host: HostSettings) -> _Pair | Finding | None:
    config = subject.config
    source, table = config.source, config.table_of(host.name)
    if host.certificate_files:
        certificate, key = host.certificate_files
        key_path = (*table, "key" if host.key else "certificate")
        return _Pair(
            host.name, certificate, key, source.place((*table, "certificate")), source.place(key_path)
        )
    folder = config.tls.certificates
    if folder is None:
        return None
    place = source.place(("tls", "certificates"))
    found = search(folder, host.name, subject.machine.now())
    if found:
        return _Pair(host.name, *found, place, place)
    what, closed = f'certificate of "{host.name}"', closed_to_us(folder, host.name)
    if closed is not None:
        return Finding("certificate.unreadable", "error", place, what, closed.why, LET_READ)
    half = half_there(folder, host.name)
    if half is not None:
        return _Pair(host.name, *half, place, place)  # reading it says what is missing
    if is_local(host.name):
        return None
    why = f"there is none in the folder {folder}"
    remedy = f"put it there as {certificate_files(folder, host.name)}"
    return Finding("certificate.missing", "error", place, what, why, remedy)


def _look_at(pair: _Pair, now: datetime, is_watched: bool) -> Iterator[Finding]:
    chain = _read_chain(pair.certificate, pair.of_certificate)
    key = _read_key(pair)
    if isinstance(chain, Finding):
        yield chain
    if isinstance(key, bytes):
        yield from _mode(pair)
    elif pair.key != pair.certificate or not isinstance(chain, Finding):
        yield key
    if isinstance(chain, Finding):
        return
    if is_watched and chain[0].issuer == chain[0].subject:
        why = "it is signed by itself, and clients of others do not believe it"
        remedy = "get one from an authority, such as Let's Encrypt, then xmppctl cert import"
        yield pair.of_certificate("certificate.self-signed", "warning", why, remedy)
    unfit = list(_fit(pair, chain, key)) if isinstance(key, bytes) else []
    yield from unfit
    for flaw in flaws_of(chain[:1] if unfit else chain, pair.host, now):
        yield pair.of_certificate(*flaw)
    for flaw in flaws_of_place(pair.certificate, pair.host):
        yield pair.of_certificate(*flaw)


def _self_made(subject: Subject, host: str) -> Iterator[Finding]:
    folder = subject.config.data_dir / SELF_MADE_FOLDER
    certificate, key = folder / f"{host}.crt", folder / f"{host}.key"
    pair = _Pair(host, certificate, key, str(certificate), str(key))
    # os.path and not Path: in a folder that may not be entered nothing is there, which is told of the data folder
    chain = _read_chain(certificate, pair.of_certificate) if os.path.exists(certificate) else []
    private = _read_key(pair) if os.path.exists(key) else b""
    spoilt = [each for each in (chain, private) if isinstance(each, Finding)]
    if not spoilt and isinstance(chain, list) and isinstance(private, bytes) and chain and private:
        spoilt = list(_fit(pair, chain, private))
    for finding in spoilt:
        is_closed = finding.remedy == LET_READ  # what cannot be read may be as good as ever
        again = "remove it, and the server makes another at its next start"
        yield finding if is_closed else replace(finding, remedy=again)
    if isinstance(chain, list) and chain and chain[0].not_valid_before_utc > subject.machine.now():
        why = f"it is valid from {chain[0].not_valid_before_utc:%Y-%m-%d} only: was the clock ahead when it was made?"
        remedy = "set the clock right; xmppctl reload or a start makes another"
        yield pair.of_certificate("certificate.not-yet-valid", "warning", why, remedy)


def _read_chain(file: Path, report: _Report) -> list[x509.Certificate] | Finding:
    try:
        return chain_in(file, read_file(file))
    except CertificateError as error:
        return report(error.id, "error", error.why, error.remedy)


def _read_key(pair: _Pair) -> bytes | Finding:
    """Give the public half of the private key, as DER."""
    try:
        return public_bytes(key_in(pair.key, read_file(pair.key, "certificate.key-unreadable")))
    except CertificateError as error:
        return pair.of_key(error.id, "error", error.why, error.remedy)


def _fit(pair: _Pair, chain: list[x509.Certificate], key: bytes) -> Iterator[Finding]:
    fits = [public_bytes(certificate) == key for certificate in chain]
    if fits[0]:
        return
    if any(fits):
        why, remedy = "the host's own certificate is not the first in the file", "put it before its issuers"
        yield pair.of_certificate("certificate.order", "error", why, remedy)
    else:
        why = f"it does not belong to the certificate {pair.certificate}"
        remedy = "name the key that the certificate was requested with"
        yield pair.of_key("certificate.key-mismatch", "error", why, remedy)


def _mode(pair: _Pair) -> Iterator[Finding]:
    try:
        mode = pair.key.stat().st_mode
    except OSError:
        return  # told already when it was read
    if mode & stat.S_IRWXO:
        why = f"everybody on this machine can read it (mode {stat.S_IMODE(mode):04o})"
        if not mode & stat.S_IROTH:
            why = f"everybody on this machine can change it (mode {stat.S_IMODE(mode):04o})"
        yield pair.of_key("certificate.key-exposed", "error", why, f"chmod o= {pair.key}")


def _client_issuers(subject: Subject, host: HostSettings, file: Path) -> Iterator[Finding]:
    place = subject.config.source.place(("hosts", host.name, "client_ca"))

    def report(identifier: str, severity: Severity, why: str, remedy: str) -> Finding:
        what = f'issuers of client certificates of "{host.name}" ({file})'
        return Finding(identifier, severity, place, what, why, remedy)

    chain = _read_chain(file, report)
    if isinstance(chain, Finding):
        yield chain
        return
    for certificate in chain:
        yield from (report(*flaw) for flaw in dates(certificate, subject.machine.now()))
