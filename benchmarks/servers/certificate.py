"""A self-made P-256 certificate for localhost, the same for every server of a run."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import certify, common_name, dns, make_key, names_of, pem_of

LIFETIME = datetime.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM: the certificate, its key, and both in one (as ejabberd likes it)."""

    chain: Path
    key: Path
    both: Path


def make_certificate(folder: Path) -> Certificate:
    """Make key and certificate in a folder."""
    key = make_key()
    now = datetime.datetime.now(datetime.UTC)
    names = names_of(dns("localhost", "rooms.localhost"))
    certificate = certify(
        key,
        common_name("localhost"),
        now - datetime.timedelta(days=1),
        now + LIFETIME,
        extensions=[names],
    )
    chain_pem, key_pem = pem_of(certificate), pem_of(key)
    files = Certificate(folder / "localhost.crt", folder / "localhost.key", folder / "localhost.pem")
    for path, content in ((files.chain, chain_pem), (files.key, key_pem), (files.both, key_pem + chain_pem)):
        path.touch(mode=0o600)
        path.write_bytes(content)
    return files
