"""The folder of ``[tls] certificates``: a host's certificate by the names of files, and by what is in them."""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Final

from cryptography import x509

from xmppd.config.certificates import find_certificate, half_there
from xmppd.core.turns import StepsTo, whole
from xmppd.net.tls.names import covers, names_of
from xmppd.net.tls.reading import CertificateError, chain_in, key_in, public_bytes, read_file
from xmppd.net.tls.self_signed import to_ascii

MOST_FILES: Final = 1_000
"""So many are looked into."""
READ: Final = 300
"""The cost of reading a certificate and its key (`xmppd.core.turns`)."""
CHAIN: Final = "fullchain.pem"
KEY: Final = "privkey.pem"
CERTBOT_NUMBERS: Final = range(1, 10)
"""What certbot puts behind the name of a second certificate for it, and of further ones."""
_PATTERNS = ("*.pem", "*.crt", f"*/{CHAIN}", "*/*.crt")


def search(folder: Path, host: str, now: datetime) -> tuple[Path, Path] | None:
    """Give what `CertificateFolder.searching` gives, at once."""
    return whole(CertificateFolder(folder, now).searching(host))


class CertificateFolder:
    """The folder at one time: each file is read once, however many hosts are looked for."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder = folder
        self._now = now
        self._read: dict[tuple[Path, Path], x509.Certificate | None] = {}
        self._by_name: dict[str, list[tuple[Path, Path]]] | None = None

    def searching(self, host: str) -> StepsTo[tuple[Path, Path] | None]:
        """Give the files (certificate, key) of *host* below the folder, or None where there are none.

        Those of its own name where they are good (`find_certificate`), or of certbot's ``NAME-0001`` where it lasts
        longer; else good ones of any name, such as of a certificate for several names; else those of its name, of which
        it is told what is wrong. Good is what covers the host, is in force and has its key; of several what lasts
        longest.
        """
        named = find_certificate(self._folder, host)
        pairs = [*_newer(self._folder, host), *([] if named is None else [named])]
        yield READ * (1 + len(pairs))
        good = self._good(pairs, host)
        if not good:
            if self._by_name is None:
                self._by_name = yield from self._names()
            good = self._good(self._may_be_for(host, self._by_name), host)
        return max(good)[1] if good else named

    def _good(
        self, pairs: Iterable[tuple[Path, Path]], host: str
    ) -> list[tuple[datetime, tuple[Path, Path]]]:
        leaves = [(self._leaf_of(pair), pair) for pair in pairs]
        return [
            (leaf.not_valid_after_utc, pair)
            for leaf, pair in leaves
            if leaf is not None and covers(leaf, host)
        ]

    def _names(self) -> StepsTo[dict[str, list[tuple[Path, Path]]]]:
        """Read all that is there; by what stands in the names of a certificate before their first dot, and behind."""
        found: dict[str, list[tuple[Path, Path]]] = {}
        for pair in _pairs_of(self._folder, _PATTERNS):
            leaf = self._leaf_of(pair)
            yield READ
            for name in () if leaf is None else names_of(leaf):
                for key in {name.lower(), _parent(name.lower())}:
                    found.setdefault(key, []).append(pair)
        return found

    def _may_be_for(self, host: str, by_name: dict[str, list[tuple[Path, Path]]]) -> list[tuple[Path, Path]]:
        """Few of all that there are: who has the name itself, or as the domain of a service, or one beside it."""
        ascii_name = to_ascii(host)
        keys = {host, host.strip("[]"), ascii_name, _parent(ascii_name)}
        return list(dict.fromkeys(pair for key in keys for pair in by_name.get(key, ())))

    def _leaf_of(self, pair: tuple[Path, Path]) -> x509.Certificate | None:
        if pair not in self._read:
            self._read[pair] = _leaf_in(*pair, self._now)
        return self._read[pair]


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


def _pairs_of(folder: Path, patterns: Iterable[str]) -> Iterator[tuple[Path, Path]]:
    try:
        files = list(islice(chain.from_iterable(sorted(folder.glob(each)) for each in patterns), MOST_FILES))
    except OSError:
        return
    for file in files:
        yield from ((file, key) for key in (file, file.with_suffix(".key"), file.with_name(KEY)))


def _leaf_in(certificate: Path, key: Path, now: datetime) -> x509.Certificate | None:
    """Read a certificate that is in force and has its key; None for any other."""
    try:
        leaf = chain_in(certificate, read_file(certificate))[0]
        if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
            return None
        fits = public_bytes(key_in(key, read_file(key))) == public_bytes(leaf)
    except (CertificateError, x509.InvalidVersion):
        return None
    return leaf if fits else None


def _parent(name: str) -> str:
    return name.partition(".")[2]
