"""How much is said in a room, and by whom."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.pace import EVERYBODY, MINUTE_S, Pace


class PaceTests(SynchronousTestCase):
    """`Pace`."""

    def test_each_for_itself(self) -> None:
        """So many a minute, each apart from the others and from all together; then anew."""
        pace = Pace()
        self.assertEqual([pace.take("ann@a", 2, 10.0) for _ in range(3)], [True, True, False])
        self.assertTrue(pace.take("bob@a", 2, 10.0))
        self.assertTrue(pace.take(EVERYBODY, 1, 10.0))
        self.assertTrue(pace.take_presence("ann@a", 1, 10.0))
        self.assertFalse(pace.take("ann@a", 2, 9.9 + MINUTE_S))
        self.assertTrue(pace.take("ann@a", 2, 10.0 + MINUTE_S))

    def test_apart(self) -> None:
        """The first may speak at once, the next when the time is over; to try makes it no longer."""
        pace = Pace()
        self.assertEqual(
            [pace.wait_s("ann@a", 20.0, at) for at in (0.0, 5.0, 15.0, 20.0)], [0.0, 15.0, 5.0, 0.0]
        )
        self.assertEqual(pace.wait_s("bob@a", 20.0, 15.0), 0.0)

    def test_bounded(self) -> None:
        """What strangers could make grow forgets who was counted longest ago."""
        pace = Pace(2)
        for who in ("ann@a", "bob@a", "cid@a"):
            self.assertTrue(pace.take(who, 1, 0.0))
        self.assertFalse(pace.take("cid@a", 1, 0.0))
        self.assertTrue(pace.take("ann@a", 1, 0.0))
