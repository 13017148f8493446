"""What a backup says of itself: a tar file whose last member, `MANIFEST`, names all others with their sums.

===================  ====================================================================================
member               what it is
===================  ====================================================================================
``xmppd.sqlite``     the data file, as of one moment
``data/…``           all else in the data folder that is not made anew: certificates, secrets, uploads
``configuration/…``  the configuration file as it was, to be looked at; a restore does not touch the one there is
``manifest.json``    the list; a backup without it was cut short
===================  ====================================================================================
"""

import json
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Final, Self

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DATABASE: Final = "xmppd.sqlite"
DATA: Final = "data/"
CONFIGURATION: Final = "configuration/"
MAX_MANIFEST_BYTES: Final = 256 * 1024 * 1024


class BackupError(Exception):
    """A backup cannot be made, or is none; the text is one line."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a backup."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup."""

    program: str
    """The version of xmppd that has made it."""
    created_at: float
    """The moment that the data are of, in seconds since 1970."""
    accounts: dict[str, int]
    """How many there are, by host."""
    members: tuple[Member, ...]
    format: int = FORMAT

    def to_json(self) -> bytes:
        """Write it."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read it; `BackupError` for what is none, is of a newer program, or names files outside of a folder."""
        try:
            stored = json.loads(data)
            if stored["format"] > FORMAT:
                raise BackupError("the backup is of a newer xmppd: use that")
            members = tuple(
                Member(str(each["name"]), int(each["size"]), str(each["sha256"]))
                for each in stored["members"]
            )
            accounts = {str(host): int(number) for host, number in stored["accounts"].items()}
            found = cls(str(stored["program"]), float(stored["created_at"]), accounts, members)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BackupError(f"its list cannot be read: {error!r}") from error
        for member in found.members:
            if not _is_safe(member.name):
                raise BackupError(f"it names a file that is not in it: {member.name!r}")
        return found


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    is_ours = name == DATABASE or name.startswith((DATA, CONFIGURATION))
    return is_ours and not path.is_absolute() and ".." not in path.parts and "\0" not in name
