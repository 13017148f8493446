"""The folder of ``[tls] certificates``: a host's certificate by the names of files, and by what is in them."""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Final

from cryptography import x509

from xmppd.config.certificates import find_certificate, half_there
from xmppd.net.tls.names import covers
from xmppd.net.tls.reading import CertificateError, chain_in, key_in, public_bytes, read_file

MOST_FILES: Final = 1_000
"""So many are looked into."""
CHAIN: Final = "fullchain.pem"
KEY: Final = "privkey.pem"
CERTBOT_NUMBERS: Final = range(1, 10)
"""What certbot puts behind the name of a second certificate for it, and of further ones."""
_PATTERNS = ("*.pem", "*.crt", f"*/{CHAIN}", "*/*.crt")


def search(folder: Path, host: str, now: datetime) -> tuple[Path, Path] | None:
    """Give the files (certificate, key) of *host* below *folder*, or None where there are none.

    Those of its own name where they are good (`find_certificate`), or of certbot's ``NAME-0001`` where it lasts longer;
    else good ones of any name, such as of a certificate for several names; else those of its name, of which it is told
    what is wrong. Good is what covers the host, is in force and has its key; of several what lasts longest.
    """
    named = find_certificate(folder, host)
    good = _good(_newer(folder, host), host, now)
    end = None if named is None else _end_of(*named, host, now)
    if named is not None and end is not None:
        good.append((end, named))
    if not good:
        good = _good(_pairs_of(folder, _PATTERNS), host, now)
    return max(good)[1] if good else named


def twin_of(certificate: Path, host: str) -> Path | None:
    """Give the files that certbot has for *host* beside the newer ``NAME-0001`` in which *certificate* lies, if any."""
    folder = certificate.parent.parent
    is_newer = any(certificate == newer for newer, _ in _newer(folder, host))
    old = folder / host / CHAIN
    return old if is_newer and os.path.exists(old) else None  # in a closed folder nothing is there


def expected(folder: Path, host: str) -> tuple[Path, Path]:
    """Give the files that would be taken for *host* if they were there, or if what is missing of them was."""
    file = folder / f"{host}.pem"
    return half_there(folder, host) or (file, file)


def _newer(folder: Path, host: str) -> Iterator[tuple[Path, Path]]:
    for number in CERTBOT_NUMBERS:
        below = folder / f"{host}-{number:04}"
        if os.path.exists(below):
            yield below / CHAIN, below / KEY


def _good(
    pairs: Iterable[tuple[Path, Path]], host: str, now: datetime
) -> list[tuple[datetime, tuple[Path, Path]]]:
    return [(end, pair) for pair in pairs if (end := _end_of(*pair, host, now)) is not None]


def _pairs_of(folder: Path, patterns: Iterable[str]) -> Iterator[tuple[Path, Path]]:
    try:
        files = list(islice(chain.from_iterable(sorted(folder.glob(each)) for each in patterns), MOST_FILES))
    except OSError:
        return
    for file in files:
        yield from ((file, key) for key in (file, file.with_suffix(".key"), file.with_name(KEY)))


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
