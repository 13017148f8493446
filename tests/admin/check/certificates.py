"""Certificates that a check may find something in."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509

from tests.admin.check.machine import NOW
from tests.certificates import Key, certify, common_name, names_of

YEAR = timedelta(days=365)
BEGAN = NOW - timedelta(days=100)
CONFIG = '[hosts."a.example"]\ncertificate = "a.crt"\nkey = "a.key"\n'


def make_certificate(
    key: Key, names: Sequence[x509.GeneralName], begins: datetime, lasts: timedelta = YEAR
) -> x509.Certificate:
    """Sign a certificate of *key* with itself; its common name says nothing."""
    extensions = [names_of(names)] if names else []
    return certify(key, common_name("common.example"), begins, begins + lasts, extensions=extensions)


def address(text: str) -> list[x509.GeneralName]:
    """Give an iPAddress."""
    return [x509.IPAddress(ip_address(text))]


def write_private(file: Path, content: bytes) -> Path:
    """Write *content* for its owner's eyes only."""
    file.write_bytes(content)
    file.chmod(0o600)
    return file
