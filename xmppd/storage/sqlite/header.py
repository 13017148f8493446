"""A look at a data file without opening it as a database: neither a running server nor a full disk matters."""

from dataclasses import dataclass
from pathlib import Path

from xmppd.storage.sqlite.schema import APPLICATION_ID, STEPS

NEWEST = len(STEPS)
"""The version of the files that this program writes."""

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_VERSION, _APPLICATION = slice(60, 64), slice(68, 72)


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of a data file say. Damage further down does not show."""

    is_ours: bool
    """Whether it is a file of this program, or one in which nothing is yet."""
    version: int


def read_header(path: Path) -> Header:
    """Read it from the disk; raises OSError."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    version, application_id = (int.from_bytes(header[part], "big") for part in (_VERSION, _APPLICATION))
    is_database = header.startswith(_MAGIC) and len(header) == _HEADER_BYTES
    return Header(not header or (is_database and application_id in (0, APPLICATION_ID)), version)
