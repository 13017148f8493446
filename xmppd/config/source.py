"""The text that a configuration came from: where its keys stand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xmppd.config.lines import LineIndex
from xmppd.config.variables import Variables

DEFAULTS = "defaults"
"""The place of what no file says."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file's name, as the user gave it, and the lines of its keys."""

    filename: str
    lines: LineIndex
    folder: Path
    """To which paths in the file are relative."""
    variables: Variables = field(default_factory=dict)
    """What the environment says over the file."""

    @classmethod
    def of(cls, text: str, filename: str, variables: Variables | None = None) -> "Source":
        """Index *text*."""
        folder = Path.cwd() if filename == DEFAULTS else Path(filename).absolute().parent
        return cls(filename, LineIndex.of(text), folder, variables or {})

    def place(self, path: Sequence[str | int]) -> str:
        """Give ``FILE:LINE`` of the key at *path*, or of what is nearest around it; the file's name else.

        What a variable says has the variable's name.
        """
        for end in range(len(path), 0, -1):
            if tuple(path[:end]) in self.variables:
                return self.variables[tuple(path[:end])]
        line = self.lines.nearest(path)
        return self.filename if line is None else f"{self.filename}:{line}"

    def has(self, path: Sequence[str | int]) -> bool:
        """Say whether the text or a variable has a key at *path*."""
        return tuple(path) in self.variables or self.lines.exact(path) is not None
