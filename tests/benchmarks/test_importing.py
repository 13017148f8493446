"""How quick an import is: that the right thing is measured."""

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.importing import measure


class ImportingTests(SynchronousTestCase):
    """`benchmarks.importing`."""

    def test_measure(self) -> None:
        """All accounts came, and what it took is told."""
        per_second, cpu_ms = measure(3, "SHA-1")
        self.assertGreater(per_second, 0)
        self.assertGreater(cpu_ms, 0)
