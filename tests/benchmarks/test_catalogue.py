"""The list of scenarios: each has a form in which the turns of the reactor are timed."""

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.scenarios.catalogue import FULL, QUICK, all_scenarios
from benchmarks.scenarios.turns import Turns

PREFIX = "turns-"
OF_ANOTHER = {"S2-files"}
"""What is measured of peers alone, whose turns cannot be timed."""


class CatalogueTests(SynchronousTestCase):
    """What ``--list`` lists."""

    def test_turns_are_timed_under_every_scenario(self) -> None:
        """None is left out, whatever is added to the list."""
        for sizes in (FULL, QUICK):
            keys = {scenario.key for scenario in all_scenarios(sizes)}
            timed = {key.removeprefix(PREFIX) for key in keys if key.startswith(PREFIX)}
            self.assertEqual({key for key in keys if not key.startswith(PREFIX)} - timed, OF_ANOTHER)

    def test_each_has_a_name_of_its_own(self) -> None:
        """So that one can be asked for."""
        keys = [scenario.key for scenario in all_scenarios(FULL)]
        self.assertEqual(len(keys), len(set(keys)))

    def test_growth_is_asked_for(self) -> None:
        """The turns of a growth run belong to the growth runs."""
        timed = [scenario for scenario in all_scenarios(FULL) if isinstance(scenario, Turns)]
        for scenario in timed:
            self.assertEqual(scenario.is_growth, "growth" in scenario.key, scenario.key)
