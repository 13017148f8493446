"""The text that a configuration came from: where its keys stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xmppd.config.lines import LineIndex

DEFAULTS = "defaults"
"""The place of what no file says."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file's name, as the user gave it, and the lines of its keys."""

    filename: str
    lines: LineIndex

    @classmethod
    def of(cls, text: str, filename: str) -> "Source":
        """Index *text*."""
        return cls(filename, LineIndex.of(text))

    @property
    def folder(self) -> Path:
        """The folder to which paths in the file are relative."""
        return Path(self.filename).absolute().parent if self.filename != DEFAULTS else Path.cwd()

    def place(self, path: Sequence[str | int]) -> str:
        """Give ``FILE:LINE`` of the key at *path*, or of what is nearest around it; the file's name else."""
        line = self.lines.nearest(path)
        return self.filename if line is None else f"{self.filename}:{line}"

    def has(self, path: Sequence[str | int]) -> bool:
        """Say whether the text has a key at *path*."""
        return self.lines.exact(path) is not None
