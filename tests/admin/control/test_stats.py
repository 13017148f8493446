"""``xmppctl stats``: the numbers of the metrics, for people."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench


class StatsTests(SynchronousTestCase):
    """A server on which something has happened."""

    def setUp(self) -> None:
        self.bench = ControlBench('[hosts."localhost"]')
        self.bench.memory.logged_in("romeo@localhost/x")

    def test_all(self) -> None:
        """Each number has a name, what it is about, and what it says; of a histogram it is two."""
        found = {(each["name"], each["of"]): each["value"] for each in self.bench.do("stats")}
        self.assertEqual(found["sessions", "localhost, connected, tcp"], 1)
        self.assertEqual(found["logins_total", "localhost, PLAIN"], 1)
        self.assertGreater(found["storage_group_changes", "times"], 0)
        self.assertIn(("storage_group_changes", "on average"), found)

    def test_about(self) -> None:
        """Only what has a word in it."""
        found = self.bench.do("stats", about="login")
        self.assertEqual({each["name"] for each in found}, {"logins_total"})
        self.assertEqual(self.bench.do("stats", about="nonsense"), [])
