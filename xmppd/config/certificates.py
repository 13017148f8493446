"""Where the certificate of a host lies in the folder of ``[tls] certificates``.

Only names of files are looked at here: whether a certificate is good, fits its key and covers the host
is for those who read it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import idna

from xmppd.config.obstacles import Obstacle, obstacle_to


def find_certificate(folder: Path, host: str) -> tuple[Path, Path] | None:
    """Give the files (certificate, key) of *host* below *folder*, or None where there are none.

    Searched for, in this order: files of the host's own name, of the wildcard above it (``*.PARENT`` or
    ``_.PARENT``), and of the parent domain, whose certificate often covers its children. An
    internationalised name is tried as it is written and as its A-label, the form that issuing programs
    use. For each NAME: ``NAME.pem`` (the key in ``NAME.key`` or in the same file), ``NAME.crt`` with
    ``NAME.key``, ``NAME/fullchain.pem`` with ``NAME/privkey.pem``.
    """
    if not _is_file_name(host):
        return None
    for name in _names(host):
        found = _files_of(folder, name)
        if found:
            return found
    return None


def half_there(folder: Path, host: str) -> tuple[Path, Path] | None:
    """Give files (certificate, key) of which one is there, and the other is not or leads nowhere; None for none."""
    if not _is_file_name(host):
        return None
    for certificate, private in (pair for name in _names(host) for pair in _candidates(folder, name)):
        if certificate != private and (os.path.lexists(certificate) or os.path.lexists(private)):
            return certificate, private
    return None


def closed_to_us(folder: Path, host: str) -> Obstacle | None:
    """Say what keeps us from seeing whether there are files of *host*: a folder that we may not enter."""
    if not _is_file_name(host):
        return None
    candidates = (file for name in _names(host) for pair in _candidates(folder, name) for file in pair)
    obstacles = (obstacle_to(file) for file in candidates)
    return next((found for found in obstacles if found is not None and found.is_of_rights), None)


def certificate_files(folder: Path, host: str) -> str:
    """Say in words which files would have been taken for *host*, for a remedy."""
    return (
        f"{folder / (host + '.pem')}, or {host}.crt with {host}.key, "
        f"or {host}/fullchain.pem with {host}/privkey.pem"
    )


def _is_file_name(host: str) -> bool:
    """Say whether *host* can be looked for: a name from the outside must never lead out of the folder."""
    return bool(host) and not host.startswith(".") and not any(c in host for c in "/\\\0")


def _names(host: str) -> Iterator[str]:
    parent = host.partition(".")[2]
    yield from _spellings(host)
    if parent:
        for prefix in ("*.", "_."):
            yield from (prefix + spelling for spelling in _spellings(parent))
        if "." in parent:
            yield from _spellings(parent)


def _spellings(name: str) -> Iterator[str]:
    yield name
    try:
        ascii_name = idna.encode(name).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return
    if ascii_name != name:
        yield ascii_name


def _files_of(folder: Path, name: str) -> tuple[Path, Path] | None:
    for certificate, private in _candidates(folder, name):
        # os.path and not Path: a folder that may not be entered is "not there" and no exception
        if os.path.isfile(certificate) and os.path.isfile(private):
            return certificate, private
    return None


def _candidates(folder: Path, name: str) -> tuple[tuple[Path, Path], ...]:
    pem, crt, key = (folder / (name + suffix) for suffix in (".pem", ".crt", ".key"))
    chain, chain_key = folder / name / "fullchain.pem", folder / name / "privkey.pem"
    return (pem, key), (pem, pem), (crt, key), (chain, chain_key)
