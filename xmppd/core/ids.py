"""Unguessable ids in numbers: randomness is drawn in blocks, since each draw costs a system call."""

from collections.abc import Callable
from typing import Final

ID_BYTES: Final = 12
"""96 bits: 16 characters of base64, without padding."""
_ID_CHARS: Final = 16
_BLOCK: Final = 64


class Ids:
    """Gives ids that nobody can guess, and that say nothing of how many there were or when."""

    __slots__ = ("_at", "_block", "_node", "_random_text")

    def __init__(self, random_text: Callable[[int], str], node: str = ""):
        """*random_text* gives so many unguessable bytes as URL-safe text; ids begin with *node*."""
        self._node = node
        self._random_text = random_text
        self._block = ""
        """What was drawn: one text, since ids that wait as texts of their own would hold memory here and there."""
        self._at = 0
        """Where in it the next id begins."""

    def next(self) -> str:
        """Give another id."""
        at = self._at
        if at == len(self._block):
            text = self._random_text(ID_BYTES * _BLOCK)
            if len(text) < _ID_CHARS * _BLOCK:
                return self._node + text  # a source of short texts, as in tests
            self._block, at = text[: _ID_CHARS * _BLOCK], 0
        self._at = at + _ID_CHARS
        id = self._block[at : at + _ID_CHARS]
        return self._node + id if self._node else id
