"""Counting instructions: that the right work is done so often, and what is made of valgrind's figures."""

import contextlib
import io
import shutil
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.instructions import __main__ as command
from benchmarks.instructions import counting
from benchmarks.instructions.work import CASES

SAID = """==7== Cachegrind, a cache and branch-prediction profiler
==8== I   refs:      1,007,000
==9== I   refs:      1,070,000
==7== I   refs:      1,000,000
"""


class WorkTests(SynchronousTestCase):
    """`benchmarks.instructions.work`."""

    def test_all_is_done(self) -> None:
        """As often as was asked for, and a few times more where it comes in groups: that many stanzas are written."""
        for name, case in CASES.items():
            work = case()
            for times in (100, 100):
                self.assertTrue(times <= work(times) < 2 * times, name)

    def test_each_case_has_a_number(self) -> None:
        """Of times that it is done."""
        self.assertEqual(set(counting.TIMES), set(CASES))


class CountingTests(SynchronousTestCase):
    """`benchmarks.instructions.counting` and the command."""

    def test_what_valgrind_says(self) -> None:
        """The counts are found; where there are none, what it said instead is told."""
        self.assertEqual(counting.counted(SAID), (1_007_000, 1_070_000))
        with self.assertRaisesRegex(counting.CannotCount, "no such tool"):
            counting.counted("no such tool")

    def test_the_start_is_none_of_it(self) -> None:
        """What few times cost is taken off what many do."""
        with (
            patch.object(counting, "_run", lambda case, times, tree: SAID),
            patch.dict(counting.TIMES, ping=1_000),
        ):
            self.assertEqual(counting.cost("ping"), 70)

    def test_without_valgrind(self) -> None:
        """One line, and no error."""
        with (
            patch.object(shutil, "which", lambda name: None),
            contextlib.redirect_stdout(io.StringIO()) as printed,
        ):
            self.assertEqual(command.main([]), 0)
        self.assertEqual(printed.getvalue(), "skipped: valgrind is not installed\n")

    def test_against_another_checkout(self) -> None:
        """The ratio is told."""
        costs = {counting.ROOT: 103.0, counting.ROOT.parent: 100.0}
        with patch.object(command, "cost", lambda case, tree=counting.ROOT: costs[tree]):
            self.assertIn("1.030 times", command.line("ping", counting.ROOT.parent))
