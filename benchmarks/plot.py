"""``python -m benchmarks.plot RUN.json FOLDER``: the growth runs (promises#growth) as SVG figures, and in words.

RUN.json is what ``python -m benchmarks --growth --output RUN.json`` wrote. Needs matplotlib, a tool of development.
"""

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "xmppd"  # the same figures give the same file

from matplotlib import pyplot as plt  # noqa: E402 - the way of drawing is chosen before

US_A_MS = 1e3
SIZE_INCHES = (7.0, 4.0)


@dataclass(frozen=True, slots=True)
class Point:
    """One size of a growth run: what one delivery costs, in µs; median, least and greatest."""

    number: int
    median: float
    least: float
    greatest: float


def points(run: dict[str, Any], scenario: str) -> dict[str, list[Point]]:
    """Give the points of a growth run ("S1", "S5") by server, in ascending order."""
    found: dict[str, list[Point]] = {}
    for measured in run["measured"]:
        name, _, number = measured["key"].partition("-growth-")
        if name != scenario or not number:
            continue
        for server, figures in measured["figures"].items():
            costs = [figure["cpu_us"] for figure in figures]
            point = Point(int(number), statistics.median(costs), min(costs), max(costs))
            found.setdefault(server, []).append(point)
    return {server: sorted(line, key=lambda point: point.number) for server, line in found.items()}


def slope_us(line: Sequence[Point]) -> float:
    """Give b of a + b·n, what one more recipient costs: the least squares of the relative deviations."""
    weights = [1 / (point.number * point.median) ** 2 for point in line]
    total = sum(weights)
    mean_n = sum(weight * point.number for weight, point in zip(weights, line, strict=True)) / total
    costs = [point.number * point.median for point in line]
    mean_cost = sum(weight * cost for weight, cost in zip(weights, costs, strict=True)) / total
    pairs = list(zip(weights, line, costs, strict=True))
    spread = sum(weight * (point.number - mean_n) ** 2 for weight, point, _ in pairs)
    return (
        sum(weight * (point.number - mean_n) * (cost - mean_cost) for weight, point, cost in pairs) / spread
    )


def slopes_us(line: Sequence[Point]) -> list[float]:
    """Give what one more recipient costs between each two neighbouring sizes."""
    return [
        (more.number * more.median - less.number * less.median) / (more.number - less.number)
        for less, more in pairwise(line)
    ]


def draw(found: dict[str, list[Point]], title: str, what: tuple[str, str], yscale: str, file: Path) -> None:
    """Draw a line for each server, with the range of the repetitions."""
    figure, axes = plt.subplots(figsize=SIZE_INCHES, layout="constrained")
    for server, line in found.items():
        numbers, medians = [point.number for point in line], [point.median for point in line]
        below = [point.median - point.least for point in line]
        above = [point.greatest - point.median for point in line]
        axes.errorbar(numbers, medians, yerr=[below, above], marker="o", capsize=3, label=server)
    axes.set(xscale="log", yscale=yscale, title=title, xlabel=what[0], ylabel=what[1])
    if yscale == "linear":
        axes.set_ylim(bottom=0)
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def main(run_file: str, folder: str) -> None:
    """Draw both growth runs; print what they come to."""
    run = json.loads(Path(run_file).read_text())
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    messages, presences = points(run, "S1"), points(run, "S5")
    if messages:
        title, what = "A message at ever more sessions", ("sessions", "µs a message")
        draw(messages, title, what, "linear", target / "growth-messages.svg")
    if presences:
        title, what = "Presence to ever more contacts", ("contacts online", "µs a delivery")
        draw(presences, title, what, "log", target / "growth-presence.svg")
    for server, line in messages.items():
        print(
            f"{server}: at {line[-1].number:,} sessions {line[-1].median / line[0].median:.2f} × {line[0].number:,}"
        )
    for server, line in presences.items():
        steps = ", ".join(f"{step:.2f}" for step in slopes_us(line))
        print(f"{server}: {slope_us(line):.2f} µs for one more contact; between neighbouring sizes {steps}")


if __name__ == "__main__":
    main(*sys.argv[1:])
