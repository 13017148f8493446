"""How much a peer may send: read more slowly beyond it, and nothing is lost (promises#back-pressure)."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.testing.server import MemoryServer

OPTIONS = "[limits]\nbytes_per_second = 10_000\nburst_bytes = 65_536"
BODY = "x" * 1_000


class ByteRateTests(SynchronousTestCase):
    """A client that says much."""

    def setUp(self) -> None:
        self.memory = MemoryServer(OPTIONS)
        self.romeo = self.memory.logged_in("romeo@localhost/x")
        self.juliet = self.memory.logged_in("juliet@localhost/x")
        self.memory.pass_time(10)

    def say(self, times: int) -> None:
        """Send so many messages of a kilobyte and some, each by itself."""
        for _ in range(times):
            self.romeo.send(f"<message to='juliet@localhost/x' type='chat'><body>{BODY}</body></message>")

    def test_burst(self) -> None:
        """What is within the burst arrives at once."""
        self.say(30)
        self.assertEqual(len(self.juliet.inbox), 30)
        self.assertEqual(self.memory.factory.slowed, 0)

    def test_rate(self) -> None:
        """What is beyond it arrives as the rate allows, all of it."""
        self.say(100)
        at_once = len(self.juliet.inbox)
        self.assertLess(at_once, 70)
        self.memory.pass_time(2)
        self.assertLess(len(self.juliet.inbox), 100)
        self.memory.pass_time(60)
        self.assertEqual(len(self.juliet.inbox), 100)
        self.assertGreater(self.memory.factory.slowed, 0)

    def test_after_a_silence(self) -> None:
        """A burst is allowed again, and no more than one."""
        self.say(60)
        self.memory.pass_time(600)
        self.juliet.inbox.clear()
        self.say(100)
        self.assertLess(len(self.juliet.inbox), 70)

    def test_others(self) -> None:
        """Nobody else waits for it."""
        self.say(100)
        mercutio = self.memory.logged_in("mercutio@localhost/x")
        mercutio.send("<message to='juliet@localhost/x' type='chat' id='m'><body>hi</body></message>")
        self.assertEqual(self.juliet.inbox[-1].get("id"), "m")

    def test_a_connection_that_is_lost_meanwhile(self) -> None:
        """Nothing happens to it when the time is over."""
        self.say(100)
        assert self.romeo.carrier is not None
        self.romeo.carrier.lose()
        self.memory.pass_time(60)
