"""How much is said in a room, an hour (XEP-0502)."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.activity import HOUR_S, HOURS, Activity


class ActivityTests(SynchronousTestCase):
    """`Activity`."""

    def test_hours(self) -> None:
        """Hours that are over count, the current one does not, old ones no more."""
        activity = Activity(0.0)
        self.assertIsNone(activity.per_hour(10.0))
        for _ in range(6):
            activity.count(20.0)
        self.assertIsNone(activity.per_hour(HOUR_S - 1))
        self.assertEqual(activity.per_hour(HOUR_S), 6.0)
        activity.count(HOUR_S + 1)
        self.assertEqual(activity.per_hour(2 * HOUR_S), 3.5)
        self.assertEqual(activity.per_hour(HOURS * 2 * HOUR_S), 0.0)
