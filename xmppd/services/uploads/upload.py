"""What an uploaded file is, what it is for, and how that is stored."""

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, Self

UNENDING: Final = 0.0
"""As a time at which something ends: never."""


class Purpose(Enum):
    """What a file is for (XEP-0363 5): how long it is kept, and how large it may be."""

    MESSAGE = "message"
    PROFILE = "profile"
    EPHEMERAL = "ephemeral"
    PERMANENT = "permanent"


class Rule(NamedTuple):
    """What holds for files of a purpose."""

    max_bytes: int
    keep_s: float
    """`UNENDING` keeps them until their owner removes them."""


class Quota(NamedTuple):
    """How much may be uploaded, in bytes; 0 is no limit."""

    account: int
    """What all files of an account have together."""
    day: int
    """What an account uploads within 24 hours."""
    whole: int
    """What all files of all accounts have together."""
    kept_free: int
    """What stays free of the disk."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is stored, whole. Its place is its id, of which the name is no part."""

    id: str
    service: str
    """The domain by which it was uploaded."""
    owner: str
    """The bare JID of the account."""
    filename: str
    size: int
    content_type: str
    """As it was declared; "" where it was not."""
    is_what_it_says: bool
    """Whether its first bytes are of that type."""
    purpose: Purpose
    created_at: float
    """Seconds since 1970."""
    expires_at: float
    """Likewise, or `UNENDING`."""

    def is_over(self, now: float) -> bool:
        """Whether nobody may have it any more."""
        return self.expires_at != UNENDING and self.expires_at <= now

    def to_json(self) -> bytes:
        """Give all but id and owner, as it is stored."""
        values = {key: value for key, value in asdict(self).items() if key not in ("id", "owner")}
        return json.dumps({**values, "purpose": self.purpose.value}, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, id: str, owner: str, data: bytes) -> Self:
        """Read what `to_json` gave; ValueError."""
        try:
            values: dict[str, Any] = json.loads(data)
            return cls(id=id, owner=owner, purpose=Purpose(values.pop("purpose")), **values)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not an upload: {error!r}") from error


@dataclass(slots=True, eq=False)
class Slot:
    """The right to upload one file, which a requester has for a while (XEP-0363 4)."""

    key: str
    """What opens it: a part of the address to upload to."""
    upload: Upload
    """What the file will be."""
    ends_at: float
    is_busy: bool = False
    """Whether somebody uploads by it now."""


class Usage(NamedTuple):
    """What an account has uploaded."""

    files: int = 0
    size: int = 0
    day_began: float = 0.0
    """When the 24 hours began in which it has uploaded `day_size` bytes."""
    day_size: int = 0

    def to_json(self) -> bytes:
        """As it is stored."""
        return json.dumps(self, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes | None) -> Self:
        """Read what `to_json` gave; what is none is nothing."""
        try:
            return cls() if data is None else cls(*json.loads(data))
        except (TypeError, ValueError):
            return cls()
