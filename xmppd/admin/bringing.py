"""Bringing certificates to where the server finds them, and making some to begin with."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from xmppd.config.model import Config
from xmppd.net.tls.folder import search
from xmppd.net.tls.reading import CertificateError, chain_in, key_in, public_bytes, read_file
from xmppd.net.tls.self_signed import make_self_signed
from xmppd.storage.replacing import replace_file

MODE: Final = 0o600


class CannotBring(Exception):
    """Nothing can be brought; the text is one line."""


class Brought(NamedTuple):
    """What came of it for one domain."""

    host: str
    source: str
    """The file that it was found in; "" where there was none."""
    file: str
    """Where it is now; "" where nothing was brought."""
    expires: str
    why: str
    """Why nothing was brought; "" where it was."""


def folder_of(config: Config) -> Path:
    """Give the folder of certificates; `CannotBring` where the configuration names none."""
    folder = config.tls.certificates
    if folder is None:
        raise CannotBring(
            'the configuration names no folder for them: write [tls] certificates = "certificates"'
        )
    return folder


def bring(config: Config, source: Path, now: datetime) -> list[Brought]:
    """Copy what *source* has for each host, and for components that have one of their own; `CannotBring`."""
    folder = folder_of(config)
    if not source.exists():
        raise CannotBring(f"{source} is not there")
    where = source if source.is_dir() else source.parent
    found = [_bring(where, folder, name, now) for name in config.hosts]
    of_hosts = {each.source for each in found}
    for name in config.components:  # those whose name the host's covers need none
        one = _bring(where, folder, name, now, others=of_hosts)
        found += [one] if one.file else []
    return found


def _bring(source: Path, folder: Path, host: str, now: datetime, others: Iterable[str] = ()) -> Brought:
    pair = search(source, host, now)
    if pair is None:
        return Brought(host, "", "", "", f"there is none for it in {source}")
    certificate, key = pair
    if str(certificate) in others:
        return Brought(host, str(certificate), "", "", "it is the host's")
    try:
        content, secret = read_file(certificate), read_file(key)
        chain = chain_in(certificate, content)
        if public_bytes(key_in(key, secret)) != public_bytes(chain[0]):
            return Brought(host, str(certificate), "", "", f"{key} is the key of another certificate")
    except CertificateError as error:
        return Brought(host, str(certificate), "", "", f"{error.why}; {error.remedy}")
    target = folder / f"{host}.pem"
    whole = content if certificate == key else content.rstrip(b"\n") + b"\n" + secret
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        replace_file(target, whole, MODE)
        _give_to_owner(folder, target)
    except OSError as error:
        raise CannotBring(f"{target} cannot be written: {error.strerror}") from error
    return Brought(host, str(certificate), str(target), chain[0].not_valid_after_utc.isoformat(), "")


def _give_to_owner(folder: Path, file: Path) -> None:
    """Root writes for who owns the folder, which is the server's user."""
    if os.geteuid() == 0:
        found = folder.stat()
        os.chown(file, found.st_uid, found.st_gid)


def make(folder: Path, names: tuple[str, ...], now: datetime) -> tuple[Path, Path]:
    """Make a certificate for *names* and its key, in the folder; `CannotBring` where there are such files."""
    certificate, key = folder / f"{names[0]}.crt", folder / f"{names[0]}.key"
    there = [file for file in (certificate, key) if file.exists()]
    if there:
        raise CannotBring(f"{there[0]} is there already, and is left as it is")
    try:
        make_self_signed(names[0], certificate, key, now, more=names[1:])
        for file in (certificate, key):
            _give_to_owner(folder, file)
    except OSError as error:
        raise CannotBring(f"{error.filename or certificate} cannot be written: {error.strerror}") from error
    return certificate, key
