"""``etc/grafana-dashboard.json`` asks for metrics that there are, by labels that they have."""

import json
import re
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from tests.checkout import ROOT
from xmppd.admin.metrics.table import TABLE

FILE = ROOT / "etc" / "grafana-dashboard.json"
NAMES = re.compile(r"\b(?:xmppd|process)_\w+")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
SELECTED = re.compile(r"(\w+)\s*(?:=~|!=|=)\s*\"")
LEGEND = re.compile(r"\{\{(\w+)\}\}")
OF_PROMETHEUS = {"instance", "le"}
SUFFIXES = ("_bucket", "_sum", "_count")


def queries() -> Iterator[tuple[str, str, str]]:
    """Give each panel's title with its queries and their legends."""
    for panel in json.loads(FILE.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"], target["legendFormat"]


class DashboardTests(SynchronousTestCase):
    """Every query of it."""

    def test_metrics(self) -> None:
        """Each metric is in the table; one of a histogram is asked for by its parts."""
        plain = {metric.name for metric in TABLE if metric.kind != "histogram"}
        parts = {metric.name + part for metric in TABLE if metric.kind == "histogram" for part in SUFFIXES}
        asked = {name for _, query, _ in queries() for name in NAMES.findall(query)}
        self.assertEqual(asked - plain - parts, set())
        shown = {name.removesuffix("_bucket") for name in asked}
        self.assertEqual({metric.name for metric in TABLE} - shown - {"process_start_time_seconds"}, set())

    def test_labels(self) -> None:
        """What is selected, grouped by and shown are labels of the metric."""
        labels = {metric.name: set(metric.labels) for metric in TABLE}
        for title, query, legend in queries():
            (name,) = set(NAMES.findall(query))
            used = {label for group in GROUPED.findall(query) for label in group.split(", ")}
            used |= {*SELECTED.findall(query), *LEGEND.findall(legend)}
            known = labels[name if name in labels else name.removesuffix("_bucket")]
            self.assertEqual(used - known - OF_PROMETHEUS, set(), title)

    def test_every_counter_is_asked_for_its_rate(self) -> None:
        """What only grows says nothing by itself."""
        for title, query, _ in queries():
            for name in NAMES.findall(query):
                if name.endswith(("_total", "_bucket")):
                    self.assertIn(f"rate({name}", query, title)
