"""``xmppctl stats``: the numbers of the metrics, for people."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.core.operations.showing import Grid, written


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

    def test_written(self) -> None:
        """Times are written as such, and sizes in MiB; a number is a number."""
        bench = ControlBench('[hosts."localhost"]')
        stats = bench.commands.get("stats")
        assert stats is not None
        rows = [
            {"name": name, "of": "", "value": value, "text": ""}
            for name, value in (
                ("process_start_time_seconds", 1_700_000_000.5),
                ("certificate_expiry_timestamp_seconds", 0),
                ("process_resident_memory_bytes", 84_934_656),
                ("federation_queue_bytes", 70),
                ("storage_commit_seconds", 0.0123456),
            )
        ]
        (shown,) = stats.shows(rows, {})
        assert isinstance(shown, Grid)
        values = [written(row[-1], str) for row in shown.rows]
        self.assertEqual(values, ["2023-11-14T22:13:20+00:00", "0", "81.0 MiB", "70", "0.01235"])

    def test_about(self) -> None:
        """Only what has a word in it."""
        found = self.bench.do("stats", about="login")
        self.assertEqual({each["name"] for each in found}, {"logins_total"})
        self.assertEqual(self.bench.do("stats", about="nonsense"), [])
