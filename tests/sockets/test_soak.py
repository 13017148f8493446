"""The short form of ``python -m benchmarks.soak``: 5 s, or so many as the environment variable XMPPD_SOAK_S says."""

import os

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.soak.behaviours import BEHAVIOURS
from benchmarks.soak.run import soak
from tests.environment import NET

SECONDS = float(os.environ.get("XMPPD_SOAK_S", "5"))
CROWD = 20
CHANCE = 7


class SoakTests(SynchronousTestCase):
    """A server in a process of its own, and a crowd."""

    def test_nothing_is_left(self) -> None:
        """Whatever clients do: others chat on in order, no line in the log, no session, no descriptor, no growth."""
        report = soak(SECONDS, CROWD, CHANCE, NET)
        self.assertEqual(report.problems, [], report.text())
        self.assertGreater(report.delivered, 0)
        self.assertGreater(len(report.done), len(BEHAVIOURS) // 2, report.text())
