"""How often an address may do something."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.login.allowance import Allowance


class AllowanceTests(SynchronousTestCase):
    """`Allowance`."""

    def setUp(self) -> None:
        """An hour; three addresses are remembered."""
        self.clock = Clock()
        self.allowance = Allowance(self.clock.seconds, 3_600.0, 3)

    def test_window(self) -> None:
        """So often within the window, and again after it."""
        self.assertEqual([self.allowance.take("192.0.2.1", 2) for _ in range(3)], [True, True, False])
        self.assertTrue(self.allowance.take("192.0.2.2", 2))
        self.clock.advance(3_600)
        self.assertTrue(self.allowance.take("192.0.2.1", 2))

    def test_networks(self) -> None:
        """Of IPv6 a /64 network is one address."""
        self.assertTrue(self.allowance.take("2001:db8::1", 1))
        self.assertFalse(self.allowance.take("2001:db8::ffff", 1))

    def test_bound(self) -> None:
        """The oldest is forgotten first."""
        for number in range(5):
            self.allowance.take(f"192.0.2.{number}", 1)
        self.assertEqual(len(self.allowance), 3)
        self.assertFalse(self.allowance.take("192.0.2.4", 1))
        self.assertTrue(self.allowance.take("192.0.2.0", 1))
