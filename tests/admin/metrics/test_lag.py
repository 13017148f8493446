"""How late the reactor is."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.metrics.lag import PERIOD_S, ReactorLag


class LagTests(SynchronousTestCase):
    """On a clock of the test's, which is late by being moved too far."""

    def test_lag(self) -> None:
        """What is beyond the period is lag; the worst is told once."""
        clock = Clock()
        lag = ReactorLag(clock)
        lag.start()
        for late in (0.0, 0.3, 0.0):
            clock.advance(PERIOD_S + late)
        self.assertAlmostEqual(lag.seconds.total, 0.3)
        self.assertEqual(sum(lag.seconds.counts), 3)
        self.assertAlmostEqual(lag.worst(), 0.3)
        self.assertEqual(lag.worst(), 0.0)
