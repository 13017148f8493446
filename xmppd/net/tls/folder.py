"""The folder of ``[tls] certificates``: a host's certificate by the names of files, and by what is in them."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Final

from cryptography import x509

from xmppd.config.certificates import find_certificate
from xmppd.net.tls.names import covers
from xmppd.net.tls.reading import CertificateError, chain_in, key_in, public_bytes, read_file

MOST_FILES: Final = 1_000
"""So many are looked into."""
_PATTERNS = ("*.pem", "*.crt", "*/fullchain.pem")


def search(folder: Path, host: str, now: datetime) -> tuple[Path, Path] | None:
    """Give the files (certificate, key) of *host* below *folder*, or None where there are none.

    Those of its own name where they are good (`find_certificate`), else good ones of any name, such as of a certificate
    for several names or certbot's ``NAME-0001``; else those of its name, of which it is told what is wrong. Good is
    what covers the host, is in force and has its key; of several what lasts longest.
    """
    named = find_certificate(folder, host)
    if named is not None and _end_of(*named, host, now) is not None:
        return named
    found = [(end, pair) for pair in _pairs(folder) if (end := _end_of(*pair, host, now)) is not None]
    return max(found)[1] if found else named


def expected(folder: Path, host: str) -> tuple[Path, Path]:
    """Give the files that would be taken for *host* if they were there."""
    file = folder / f"{host}.pem"
    return file, file


def _pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    try:
        files = list(islice(chain.from_iterable(sorted(folder.glob(each)) for each in _PATTERNS), MOST_FILES))
    except OSError:
        return
    for file in files:
        yield from ((file, key) for key in (file, file.with_suffix(".key"), file.with_name("privkey.pem")))


def _end_of(certificate: Path, key: Path, host: str, now: datetime) -> datetime | None:
    """When a certificate ends that is good for *host*; None for one that is not."""
    try:
        leaf = chain_in(certificate, read_file(certificate))[0]
        if not (leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc and covers(leaf, host)):
            return None
        fits = public_bytes(key_in(key, read_file(key))) == public_bytes(leaf)
    except (CertificateError, x509.InvalidVersion):
        return None
    return leaf.not_valid_after_utc if fits else None
