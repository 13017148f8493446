"""The arithmetic behind the figures, and what is read from /proc."""

import os
import subprocess
import sys
import time

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.measure import Spread, Stopwatch, cpu_s, percentile, process_tree, resident_kib, spread


class FiguresTest(SynchronousTestCase):
    """Percentiles and spreads."""

    def test_percentile_is_the_nearest_rank(self) -> None:
        """At least that share of the samples does not exceed it."""
        samples = [float(number) for number in range(100, 0, -1)]
        self.assertEqual([percentile(samples, share) for share in (50, 99, 100)], [50.0, 99.0, 100.0])

    def test_percentile_of_few_samples(self) -> None:
        """One sample is every percentile; none gives nought."""
        self.assertEqual((percentile([7.0], 99), percentile([], 99)), (7.0, 0.0))

    def test_spread_is_median_and_range(self) -> None:
        """An outlier moves the range, not the median."""
        self.assertEqual(spread([3.0, 90.0, 1.0]), Spread(3.0, 1.0, 90.0))


class ProcessesTest(SynchronousTestCase):
    """Process trees, CPU time and resident size from /proc."""

    def test_tree_has_children(self) -> None:
        """A child that runs is part of its parent's tree; one that is gone costs nothing."""
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.addCleanup(child.wait)
        assert child.stdin is not None
        self.addCleanup(child.stdin.close)
        self.assertIn(child.pid, process_tree(os.getpid()))

    def test_an_absent_process_costs_nothing(self) -> None:
        """A process that ended between two looks is no error."""
        child = subprocess.Popen(["true"])
        child.wait()
        self.assertEqual((cpu_s([child.pid]), resident_kib([child.pid])), (0.0, 0))

    def test_stopwatch_counts_cpu_time(self) -> None:
        """Work shows as CPU time of the watched process and of the client, which are one here."""
        watch = Stopwatch(os.getpid())
        until = time.process_time() + 0.06
        while time.process_time() < until:
            pass
        cost = watch.read()
        self.assertGreaterEqual(cost.server_s, 0.04)
        self.assertGreaterEqual(cost.client_s, 0.06)
        self.assertGreater(resident_kib([os.getpid()]), 1000)
