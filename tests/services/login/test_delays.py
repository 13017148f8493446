"""Failed logins are slowed down by address; nobody is locked out."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.rate_limit import RateLimit
from xmppd.services.login.delays import FAILURE_DELAYS_S, GOOD_LOGIN_DELAY_S, LoginDelays


class LoginDelaysTests(SynchronousTestCase):
    """`LoginDelays`, where 3 failures in 60 seconds are free."""

    def setUp(self) -> None:
        """Give each test a clock."""
        self.now = 0.0
        self.failures = RateLimit(lambda: self.now, lambda: 60.0)
        self.delays = LoginDelays(self.failures, lambda: 3)

    def test_the_allowance_is_free(self) -> None:
        """Failures within the allowance are answered at once, and a correct login too."""
        self.assertEqual([self.delays.failed("a") for _ in range(2)], [0.0, 0.0])
        self.assertEqual(self.delays.succeeded("a"), 0.0)

    def test_failures_beyond_it_wait_longer_and_longer(self) -> None:
        """Delays grow up to the last one, and stay there."""
        delays = [self.delays.failed("a") for _ in range(20)]
        self.assertEqual(sorted(delays), delays)
        self.assertEqual(delays[-1], FAILURE_DELAYS_S[-1])

    def test_a_correct_login_waits_a_second_at_most(self) -> None:
        """A correct login from a throttled address is delayed by at most 1 s, never refused."""
        for _ in range(100):
            self.delays.failed("a")
        self.assertEqual(self.delays.succeeded("a"), GOOD_LOGIN_DELAY_S)
        self.assertLessEqual(GOOD_LOGIN_DELAY_S, 1.0)

    def test_other_addresses_are_not_touched(self) -> None:
        """Each address has its own account."""
        for _ in range(10):
            self.delays.failed("a")
        self.assertEqual((self.delays.failed("b"), self.delays.succeeded("b")), (0.0, 0.0))

    def test_ipv6(self) -> None:
        """Who changes the address within a /64 network stays the same."""
        delays = [self.delays.failed(f"2001:db8::{number}") for number in range(20)]
        self.assertEqual(delays[-1], FAILURE_DELAYS_S[-1])
        self.assertEqual(self.delays.succeeded("2001:db8::ffff"), GOOD_LOGIN_DELAY_S)
        self.assertEqual((self.delays.failed("2001:db8:0:1::1"), len(self.failures)), (0.0, 2))

    def test_the_window_ends(self) -> None:
        """After the window all is forgotten."""
        for _ in range(10):
            self.delays.failed("a")
        self.now = 61.0
        self.assertEqual((self.delays.succeeded("a"), self.delays.failed("a")), (0.0, 0.0))
