"""What reads from somewhere: pieces one behind the other, and how far it has come."""

from collections.abc import Iterator
from typing import Protocol

from xmppd.moving.model import Piece


class SourceError(Exception):
    """What is to be read is not what it should be; the text is one line for the operator."""


class Source(Protocol):
    """Something that pieces are read from, once."""

    @property
    def total(self) -> int:
        """How much there is, in units of its own; 0 where that is not known."""

    @property
    def done(self) -> int:
        """How much of it has been read."""

    def pieces(self) -> Iterator[Piece]:
        """Give all pieces in the order of `xmppd.moving.model`; `SourceError`. No more than one account is in memory,
        and of its archive no more than a part."""
