"""What is kept of a client of an account: who it says it is, when it was here, and the tokens it may log in with."""

import json
from base64 import b64encode
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any

ID_BYTES = 9
"""72 bits of a hash make the name by which a client is known to its user; its own id is never shown (XEP-0388 2.3)."""


@dataclass(slots=True)
class Token:
    """One token of XEP-0484: the secret itself is needed, since a client shows a hash of it made for its connection."""

    secret: str = field(repr=False)
    mechanism: str
    issued_at: float
    expires_at: float
    count: int = 0
    """The highest counter that was used with it."""


@dataclass(slots=True)
class ClientRecord:
    """One client; times are seconds since 1970."""

    id: str
    first_seen: float
    last_seen: float
    software: str = ""
    device: str = ""
    tag: str = ""
    address: str = ""
    resource: str = ""
    knows_password: bool = False
    """Whether it has logged in by the password that the account has now."""
    current: Token | None = None
    new: Token | None = None
    """A token that was given, and not used yet (XEP-0484 5.1)."""
    is_dirty: bool = False
    """Whether it is to be stored when there is an occasion."""

    @property
    def tokens(self) -> list[Token]:
        """Its tokens, the newer one first."""
        return [token for token in (self.new, self.current) if token is not None]

    def to_json(self) -> bytes:
        """For storage."""
        stored = asdict(self)
        del stored["is_dirty"]
        return json.dumps(stored, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "ClientRecord":
        """What `to_json` gave; ValueError for anything else."""
        try:
            stored: dict[str, Any] = json.loads(data)
            current, new = stored.pop("current"), stored.pop("new")
            return cls(
                **stored, current=Token(**current) if current else None, new=Token(**new) if new else None
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"no record of a client: {error!r}") from None


def client_id(agent_id: str) -> str:
    """Give the name of the client whose user agent has this id; "" where it has none."""
    return hashed(agent_id) if agent_id else ""


def hashed(text: str) -> str:
    """Give a short name that does not tell what it was made from; without ``-``, since people type it in commands."""
    return b64encode(blake2b(text.encode(), digest_size=ID_BYTES).digest(), b"._").decode()
