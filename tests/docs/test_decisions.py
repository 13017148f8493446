"""The decision records: each has a number of its own, in its name and in its title."""

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from tests.docs.pages import DOCS


class DecisionsTests(SynchronousTestCase):
    """``docs/decisions/``."""

    def test_numbers(self) -> None:
        """Counted from 1, each once; the title begins with it."""
        records = sorted((DOCS / "decisions").glob("0*.rst"))
        numbers = Counter(record.name[:4] for record in records)
        self.assertEqual(numbers, Counter(f"{number:04}" for number in range(1, len(records) + 1)))
        for record in records:
            self.assertEqual(record.read_text().partition(":")[0], record.name[:4], record.name)
