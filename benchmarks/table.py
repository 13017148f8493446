"""The table as reStructuredText: medians with their range, and the ratio of the first server to each other one."""

from collections.abc import Iterator, Sequence

from benchmarks.measure import Spread
from benchmarks.results import Measured, Run
from benchmarks.scenarios.base import Row

NOTHING = "–"
OURS = "xmppd"


def render(run: Run) -> str:
    """Give the whole report: what ran, the main figures, the figures beside them, what failed."""
    parts = [_preface(run), _table("Figures with a goal", run, True), _table("Beside them", run, False)]
    return "\n".join(part for part in (*parts, _failures(run)) if part)


def number(value: float) -> str:
    """Write a figure with three significant places."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cell(found: Spread | None) -> str:
    """Write a median with the range of the repetitions."""
    if found is None:
        return NOTHING
    if found.least == found.greatest:
        return number(found.median)
    return f"{number(found.median)} ({number(found.least)}–{number(found.greatest)})"


def _preface(run: Run) -> str:
    who = ", ".join(f"{name} {version}" for name, version in run.servers.items())
    lines = [f"Measured: {who}.", f"Machine: {run.machine}."]
    lines += [f"Not measured: {name}, since {why}." for name, why in run.missing.items()]
    lines += run.notes
    return "\n".join(f"| {line}" for line in lines) + "\n"


def _table(title: str, run: Run, main: bool) -> str:
    names = list(run.servers)
    peers = [name for name in names if name != OURS] if OURS in names else []
    head = ["Scenario", "Unit", *names, *(f"{OURS} : {peer}" for peer in peers)]
    lines = list(_lines(run, main, names, peers))
    if not lines:
        return ""
    if main:
        head.append("Goal")
    return _list_table(title, [head, *lines])


def _lines(run: Run, main: bool, names: Sequence[str], peers: Sequence[str]) -> Iterator[list[str]]:
    for measured in run.measured:
        for row in measured.rows:
            if row.is_main is main and measured.figures:
                goal = [row.goal] if main else []
                yield [measured.title, row.unit, *_cells(measured, row, names, peers), *goal]


def _cells(measured: Measured, row: Row, names: Sequence[str], peers: Sequence[str]) -> list[str]:
    figures = [cell(measured.spread(name, row.figure)) for name in names]
    ratios = [measured.ratio(row.figure, OURS, peer) for peer in peers]
    return [*figures, *(NOTHING if ratio is None else f"{ratio:.2f}" for ratio in ratios)]


def _list_table(title: str, lines: Sequence[Sequence[str]]) -> str:
    text = [f".. list-table:: {title}", "   :header-rows: 1", ""]
    for line in lines:
        text += [f"   {'* -' if place == 0 else '  -'} {value}" for place, value in enumerate(line)]
    return "\n".join(text) + "\n"


def _failures(run: Run) -> str:
    found = [
        f"- {measured.title}, {name}: {' '.join(why.split())}"
        for measured in run.measured
        for name, why in measured.reasons.items()
    ]
    return "\n".join(["Not measured:", "", *found]) + "\n" if found else ""
