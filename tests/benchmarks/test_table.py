"""The report: cells, ratios, lines that say what is missing, and the raw figures as JSON."""

import json

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.measure import Spread
from benchmarks.results import Measured, Run
from benchmarks.scenarios.base import Row
from benchmarks.scenarios.catalogue import FULL, QUICK, all_scenarios
from benchmarks.table import cell, number, render


def example() -> Run:
    """Make a run with one scenario, one server that failed and one that is not installed."""
    run = Run(
        {"xmppd": "0.1", "prosody": "0.12.3"}, {"ejabberd": "erl is not installed"}, machine="a machine"
    )
    measured = Measured(
        "S1", "S1 chat", (Row("cpu_us", "µs a message", "≤ 20"), Row("rate", "a second", is_main=False))
    )
    for cost in (20.0, 10.0, 12.0):
        measured.add("xmppd", {"cpu_us": cost, "rate": 5000.0})
    measured.add("prosody", {"cpu_us": 120.0, "rate": 900.0})
    refused = Measured(
        "S6", "S6 room", (Row("cpu_us", "µs a delivery"),), reasons={"xmppd": "it has\nno rooms yet"}
    )
    run.measured = [measured, refused]
    return run


class TableTest(SynchronousTestCase):
    """The table as reStructuredText."""

    def test_figures_have_three_places(self) -> None:
        """Small figures keep what matters, large ones are whole."""
        self.assertEqual([number(value) for value in (0.123, 12.34, 1234.5)], ["0.12", "12.3", "1,234"])

    def test_cell_shows_median_and_range(self) -> None:
        """One repetition has no range, none at all is a dash."""
        self.assertEqual(cell(Spread(12.0, 10.0, 20.0)), "12.0 (10.0–20.0)")
        self.assertEqual((cell(Spread(5.0, 5.0, 5.0)), cell(None)), ("5.00", "–"))

    def test_ratio_is_of_medians(self) -> None:
        """Ours divided by the peer's; nothing where a side is missing."""
        measured = example().measured[0]
        ratio = measured.ratio("cpu_us", "xmppd", "prosody")
        assert ratio is not None
        self.assertAlmostEqual(ratio, 0.1)
        self.assertIsNone(measured.ratio("cpu_us", "xmppd", "ejabberd"))

    def test_report_says_what_is_missing(self) -> None:
        """A peer that is not installed and a scenario that failed each get a line."""
        report = render(example())
        self.assertIn("Not measured: ejabberd, since erl is not installed.", report)
        self.assertIn("- S6 room, xmppd: it has no rooms yet", report)

    def test_every_line_is_as_wide_as_the_head(self) -> None:
        """A list table with lines of different widths is refused by docutils."""
        for table in render(example()).split(".. list-table::")[1:]:
            lines = table.split("   * - ")[1:]
            widths = {1 + line.count("\n     - ") for line in lines}
            self.assertEqual(len(widths), 1)

    def test_json_has_every_repetition(self) -> None:
        """Raw figures can be read back."""
        raw = json.loads(example().to_json())
        self.assertEqual(
            [figures["cpu_us"] for figures in raw["measured"][0]["figures"]["xmppd"]], [20.0, 10.0, 12.0]
        )


class CatalogueTest(SynchronousTestCase):
    """The list of scenarios."""

    def test_keys_are_unique(self) -> None:
        """A name on the command line means one scenario, or a family by its first part."""
        for sizes in (FULL, QUICK):
            keys = [scenario.key for scenario in all_scenarios(sizes)]
            self.assertEqual(len(keys), len(set(keys)))
