"""How findings are shown, to people and to machines, and the exit status that they give."""

import json
from collections.abc import Sequence

from xmppd.config.findings import Finding

EXIT_FINE = 0
EXIT_USAGE = 1
EXIT_PROBLEMS = 2

SEVERITIES = ("error", "warning", "note")
NOTHING_FOUND = "no mistakes found"


def exit_status(findings: Sequence[Finding]) -> int:
    """Give 2 where one of *findings* is an error; warnings alone are fine. Wrong usage is EXIT_USAGE."""
    return EXIT_PROBLEMS if _count(findings, "error") else EXIT_FINE


def render(findings: Sequence[Finding], as_json: bool) -> str:
    """Write *findings* as lines, one each and one that sums up, or as one JSON object. No final newline."""
    return _json(findings) if as_json else "\n".join(_lines(findings))


def _json(findings: Sequence[Finding]) -> str:
    shown = {
        "status": exit_status(findings),
        "errors": _count(findings, "error"),
        "warnings": _count(findings, "warning"),
        "notes": _count(findings, "note"),
        "findings": [finding.to_dict() for finding in findings],
    }
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _lines(findings: Sequence[Finding]) -> list[str]:
    lines = [f"{finding.severity}: {_one_line(str(finding))} [{finding.id}]" for finding in findings]
    counts = [_counted(_count(findings, severity), severity) for severity in SEVERITIES]
    return [*lines, ", ".join(filter(None, counts)) or NOTHING_FOUND]


def _count(findings: Sequence[Finding], severity: str) -> int:
    return sum(finding.severity == severity for finding in findings)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number > 1 else ''}" if number else ""


def _one_line(text: str) -> str:
    """What a value had of control characters must not reach a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
