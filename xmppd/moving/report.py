"""What came of an import or export: how much of each kind, and what could not be carried."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from xmppd.moving.model import WORDS, NotCarried


@dataclass
class Left:
    """What could not be carried of one kind."""

    count: int
    example: str


@dataclass
class Report:
    """The account of it."""

    carried: Counter[type] = field(default_factory=Counter)
    """How many pieces of each kind."""
    present: Counter[str] = field(default_factory=Counter)
    """Accounts and rooms that were there already, and stayed as they were, by domain."""
    not_served: Counter[str] = field(default_factory=Counter)
    """Accounts and rooms of domains that the configuration does not have, by domain."""
    left: dict[str, Left] = field(default_factory=dict)
    without_password: int = 0
    """Accounts of which no password is known: nobody can log in until one is set."""
    too_old: int = 0
    """Archived messages that are older than what the server keeps: it removes them after its start."""
    seconds: float = 0.0

    def leave(self, piece: NotCarried) -> None:
        """Note something that cannot be carried."""
        known = self.left.get(piece.kind)
        if known is None:
            self.left[piece.kind] = Left(1, piece.example)
        else:
            known.count += 1

    def to_dict(self) -> dict[str, Any]:
        """Give it fit for JSON."""
        return {
            "carried": {WORDS[kind][1]: number for kind, number in self.carried.items()},
            "present": dict(self.present),
            "not_served": dict(self.not_served),
            "not_carried": {
                kind: {"count": left.count, "example": left.example} for kind, left in self.left.items()
            },
            "without_password": self.without_password,
            "too_old": self.too_old,
            "seconds": round(self.seconds, 3),
        }
