"""The clock in the reactor: which turn was the longest."""

import json
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.turns import Turns, measured
from tests.temporary import temporary_folder


class TurnsTests(SynchronousTestCase):
    """`Turns` on a clock of our own."""

    def setUp(self) -> None:
        """A start of 100 ms; turns of 10, 30 and 5 ms, then one of 1 ms."""
        ticks: Iterator[float] = iter((0.100, 0.110, 0.140, 0.145, 0.146))
        self.file = temporary_folder(self) / "turns.json"
        self.turns = Turns(self.file, lambda: next(ticks))

    def report(self) -> dict[str, float]:
        """Give what is written."""
        self.turns.report()
        noted: dict[str, float] = json.loads(self.file.read_text())
        return {name: round(value, 6) for name, value in noted.items()}

    def test_the_longest_is_told(self) -> None:
        """The longest turn, the number beyond the limit, and of all, since the last report; the start is none."""
        for _ in range(4):
            self.turns.next()
        self.assertEqual(self.report(), {"longest_ms": 30.0, "long": 1, "turns": 3})
        self.turns.next()
        self.assertEqual(self.report(), {"longest_ms": 1.0, "long": 0, "turns": 1})

    def test_the_reactor_is_the_servers_own(self) -> None:
        """What is measured is what runs otherwise, with nothing but the clock added."""
        added = set(vars(measured(self.turns))) - {"__doc__", "__module__", "__qualname__"}
        self.assertEqual({name for name in added if not name.startswith("__")}, {"runUntilCurrent"})
