"""What is wrong with a configuration, for people and for machines: one mistake, its place and its remedy."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake. An error keeps the server from starting or its users out; a warning does not, nor a note,
    which tells what is as it was said to be."""

    id: str
    """Stable identifier such as ``config.unknown-key``: scripts may rely on it."""
    severity: Severity
    place: str
    """``FILE:LINE``, or what else shows where to look."""
    what: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}: {self.why}; {self.remedy}"

    def to_dict(self) -> dict[str, str]:
        """Give the fields by name, for JSON."""
        return asdict(self)


class ConfigErrors(Exception):
    """The configuration has mistakes and is not used; *findings* has all of them, warnings too."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Say whether one of *findings* is an error."""
    return any(finding.severity == "error" for finding in findings)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sort by file and line, as one reads; each finding once."""
    return sorted(dict.fromkeys(findings), key=_position)


def _position(finding: Finding) -> tuple[str, int]:
    file, _, line = finding.place.rpartition(":")
    return (file, int(line)) if file and line.isdigit() else (finding.place, 0)
