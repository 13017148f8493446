"""What a process tree costs, read from /proc: CPU time and resident memory; and percentiles of samples."""

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PARENT_PID, USER_TIME, CHILDREN_SYSTEM_TIME = 1, 11, 14
"""Places in /proc/PID/stat, counted after the closing parenthesis of the name (proc(5))."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a stretch of work took: seconds of CPU of the server's processes and of ours, and wall time."""

    server_s: float
    client_s: float
    wall_s: float


class Stopwatch:
    """Reads the CPU clocks of a server's processes and our own, from its making on."""

    __slots__ = ("_client", "_pid", "_server", "_wall")

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._server = cpu_s(process_tree(pid))
        self._client = time.process_time()
        self._wall = time.perf_counter()

    def read(self) -> Cost:
        """Give what was used since the start; children that have come or gone meanwhile are counted."""
        wall, client = time.perf_counter(), time.process_time()
        return Cost(cpu_s(process_tree(self._pid)) - self._server, client - self._client, wall - self._wall)


def process_tree(pid: int) -> list[int]:
    """List a process and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat_fields(int(entry.name))):
            children.setdefault(int(fields[PARENT_PID]), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found.extend(children.get(parent, ()))
    return found


def cpu_s(pids: Sequence[int]) -> float:
    """Add up user and system time of the processes and of their ended children that were waited for."""
    ticks = 0
    for pid in pids:
        fields = _stat_fields(pid)
        ticks += sum(int(field) for field in fields[USER_TIME : CHILDREN_SYSTEM_TIME + 1])
    return ticks / TICKS_PER_S


def resident_kib(pids: Sequence[int]) -> int:
    """Add up the resident sizes; pages shared between the processes count once for each."""
    return sum(_resident_kib(pid) for pid in pids)


def percentile(samples: Sequence[float], percent: float) -> float:
    """Give the smallest sample that at least ``percent`` of all do not exceed (nearest rank)."""
    if not samples:
        return 0.0
    ordered = sorted(samples)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of the repetitions."""

    median: float
    least: float
    greatest: float


def spread(values: Sequence[float]) -> Spread:
    """Sum up the repetitions of one figure; at least one is needed."""
    return Spread(statistics.median(values), min(values), max(values))


def _stat_fields(pid: int) -> list[str]:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(")") + 2 :].split()


def _resident_kib(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Rss:")), 0)
