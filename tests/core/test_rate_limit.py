"""How often an address may do something."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.rate_limit import RateLimit


class RateLimitTests(SynchronousTestCase):
    """`RateLimit`."""

    def setUp(self) -> None:
        """An hour; three addresses are remembered."""
        self.clock = Clock()
        self.limit = RateLimit(self.clock.seconds, lambda: 3_600.0, 3)

    def test_window(self) -> None:
        """So often within the window, and again after it."""
        self.assertEqual([self.limit.take("192.0.2.1", 2) for _ in range(3)], [True, True, False])
        self.assertTrue(self.limit.take("192.0.2.2", 2))
        self.clock.advance(3_600)
        self.assertTrue(self.limit.take("192.0.2.1", 2))

    def test_networks(self) -> None:
        """Of IPv6 a /64 network is one address."""
        self.assertTrue(self.limit.take("2001:db8::1", 1))
        self.assertFalse(self.limit.take("2001:db8::ffff", 1))

    def test_bound(self) -> None:
        """The oldest is forgotten first."""
        for number in range(5):
            self.limit.take(f"192.0.2.{number}", 1)
        self.assertEqual(len(self.limit), 3)
        self.assertFalse(self.limit.take("192.0.2.4", 1))
        self.assertTrue(self.limit.take("192.0.2.0", 1))

    def test_counting(self) -> None:
        """What is counted is told, refused or not, until the window of the first ends."""
        self.assertEqual([self.limit.count("192.0.2.1") for _ in range(3)], [1, 2, 3])
        self.clock.advance(3_599)
        self.assertEqual((self.limit.times("192.0.2.1"), self.limit.times("192.0.2.2")), (3, 0))
        self.clock.advance(1)
        self.assertEqual((self.limit.times("192.0.2.1"), len(self.limit)), (0, 0))

    def test_what_is_refused_does_not_count(self) -> None:
        """Who is refused is not kept out for longer by trying again."""
        self.assertTrue(self.limit.take("192.0.2.1", 1))
        self.clock.advance(3_599)
        self.assertFalse(self.limit.take("192.0.2.1", 1))
        self.assertEqual(self.limit.times("192.0.2.1"), 1)
        self.clock.advance(1)
        self.assertTrue(self.limit.take("192.0.2.1", 1))
