"""What a run has found: raw figures of every repetition, and failures; readable and writable as JSON."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.measure import Spread, spread
from benchmarks.scenarios.base import Row


def describe_machine() -> str:
    """Describe the machine in one line: processor, cores, system, Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    cores = sum(line.startswith("processor") for line in lines)
    system = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{model or platform.machine()}, {cores} cores, {system}"


@dataclass(slots=True)
class Measured:
    """All repetitions of one scenario: figures by server, and why a server has none."""

    key: str
    title: str
    rows: Sequence[Row]
    figures: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, server: str, figures: dict[str, float]) -> None:
        """Note one repetition."""
        self.figures.setdefault(server, []).append(figures)

    def spread(self, server: str, figure: str) -> Spread | None:
        """Sum a server's repetitions up; None when it has none."""
        found = [figures[figure] for figures in self.figures.get(server, ())]
        return spread(found) if found else None

    def ratio(self, figure: str, of: str, to: str) -> float | None:
        """Divide two servers' medians; None when one is missing."""
        mine, other = self.spread(of, figure), self.spread(to, figure)
        if mine is None or other is None or other.median == 0:
            return None
        return mine.median / other.median


@dataclass(slots=True)
class Run:
    """One command's whole outcome."""

    servers: dict[str, str]
    """Name and version of each server that took part."""
    missing: dict[str, str] = field(default_factory=dict)
    """Name of each server that did not, and why."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know of the settings."""
    machine: str = field(default_factory=describe_machine)
    measured: list[Measured] = field(default_factory=list)

    def to_json(self) -> str:
        """Write everything, raw figures included."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"
