"""The words and figures of growth: only where matplotlib is installed."""

import importlib.util
import json
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.temporary import temporary_folder

HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None


def run_of(costs: dict[int, float]) -> dict[str, Any]:
    """Make a run with a figure for each size, and one that is no growth run."""
    growth = [
        {"key": f"S5-growth-{number}", "figures": {"xmppd": [{"cpu_us": cost}, {"cpu_us": cost * 3}]}}
        for number, cost in costs.items()
    ]
    return {"measured": [{"key": "S5-plain", "figures": {"xmppd": [{"cpu_us": 1.0}]}}, *growth]}


class PlotTests(SynchronousTestCase):
    """`benchmarks.plot`."""

    def setUp(self) -> None:
        """Import it where that can be."""
        if not HAS_MATPLOTLIB:
            raise SkipTest("matplotlib is a tool of development")
        from benchmarks import plot

        self.plot = plot

    def test_slope_is_found(self) -> None:
        """What costs a + b·n has the slope b, whatever a is, overall and between any two sizes."""
        line = [self.plot.Point(n, (300 + 5 * n) / n, 0, 0) for n in (10, 100, 1000, 10_000)]
        self.assertAlmostEqual(self.plot.slope_us(line), 5.0)
        for step in self.plot.slopes_us(line):
            self.assertAlmostEqual(step, 5.0)

    def test_points_in_order(self) -> None:
        """Sizes ascend, and each has the median and the range of its repetitions."""
        found = self.plot.points(run_of({100: 2.0, 10: 4.0}), "S5")["xmppd"]
        self.assertEqual([point.number for point in found], [10, 100])
        self.assertEqual((found[0].median, found[0].least, found[0].greatest), (8.0, 4.0, 12.0))

    def test_figures_are_drawn(self) -> None:
        """A file for each growth run that there is."""
        folder = temporary_folder(self)
        (folder / "run.json").write_text(json.dumps(run_of({10: 4.0, 100: 2.0})))
        self.plot.main(str(folder / "run.json"), str(folder / "figures"))
        self.assertEqual([file.name for file in (folder / "figures").iterdir()], ["growth-presence.svg"])
