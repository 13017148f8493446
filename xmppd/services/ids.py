"""Unguessable ids in numbers: randomness is drawn in blocks, since each draw costs a system call."""

from collections.abc import Callable
from typing import Final

ID_BYTES: Final = 12
"""96 bits: 16 characters of base64, without padding."""
_ID_CHARS: Final = 16
_BLOCK: Final = 64


class Ids:
    """Gives ids that nobody can guess, and that say nothing of how many there were or when."""

    __slots__ = ("_random_text", "_ready")

    def __init__(self, random_text: Callable[[int], str]):
        """*random_text* gives so many unguessable bytes as URL-safe text."""
        self._random_text = random_text
        self._ready: list[str] = []

    def next(self) -> str:
        """Give another id."""
        if self._ready:
            return self._ready.pop()
        text = self._random_text(ID_BYTES * _BLOCK)
        if len(text) < _ID_CHARS * _BLOCK:
            return text  # a source of short texts, as in tests
        self._ready = [text[at : at + _ID_CHARS] for at in range(0, _ID_CHARS * _BLOCK, _ID_CHARS)]
        return self._ready.pop()
