"""Failed logins are slowed down by address; nobody is locked out."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.login import throttle
from xmppd.services.login.throttle import FAILURE_DELAYS_S, GOOD_LOGIN_DELAY_S, Throttle


class ThrottleTests(SynchronousTestCase):
    """`Throttle`, with an allowance of 3 failures in 60 seconds."""

    def setUp(self) -> None:
        """Give each test a clock."""
        self.now = 0.0
        self.throttle = Throttle(lambda: self.now, lambda: 3, lambda: 60.0)

    def test_the_allowance_is_free(self) -> None:
        """Failures within the allowance are answered at once, and a correct login too."""
        self.assertEqual([self.throttle.failed("a") for _ in range(2)], [0.0, 0.0])
        self.assertEqual(self.throttle.succeeded("a"), 0.0)

    def test_failures_beyond_it_wait_longer_and_longer(self) -> None:
        """Delays grow up to the last one, and stay there."""
        delays = [self.throttle.failed("a") for _ in range(20)]
        self.assertEqual(sorted(delays), delays)
        self.assertEqual(delays[-1], FAILURE_DELAYS_S[-1])

    def test_a_correct_login_waits_a_second_at_most(self) -> None:
        """A correct login from a throttled address is delayed by at most 1 s, never refused."""
        for _ in range(100):
            self.throttle.failed("a")
        self.assertEqual(self.throttle.succeeded("a"), GOOD_LOGIN_DELAY_S)
        self.assertLessEqual(GOOD_LOGIN_DELAY_S, 1.0)

    def test_other_addresses_are_not_touched(self) -> None:
        """Each address has its own account."""
        for _ in range(10):
            self.throttle.failed("a")
        self.assertEqual((self.throttle.failed("b"), self.throttle.succeeded("b")), (0.0, 0.0))

    def test_ipv6(self) -> None:
        """Who changes the address within a /64 network stays the same."""
        delays = [self.throttle.failed(f"2001:db8::{number}") for number in range(20)]
        self.assertEqual(delays[-1], FAILURE_DELAYS_S[-1])
        self.assertEqual(self.throttle.succeeded("2001:db8::ffff"), GOOD_LOGIN_DELAY_S)
        self.assertEqual((self.throttle.failed("2001:db8:0:1::1"), len(self.throttle)), (0.0, 2))

    def test_the_window_ends(self) -> None:
        """After the window all is forgotten."""
        for _ in range(10):
            self.throttle.failed("a")
        self.now = 61.0
        self.assertEqual((self.throttle.succeeded("a"), self.throttle.failed("a")), (0.0, 0.0))

    def test_bound(self) -> None:
        """No more addresses are remembered than the limit."""
        self.patch(throttle, "MAX_ADDRESSES", 10)
        for number in range(50):
            self.throttle.failed(str(number))
        self.assertEqual(len(self.throttle), 10)
