"""What is done for many sessions at once."""

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.timers import Timers
from xmppd.services.stream_management.rounds import PULSE_S, Rounds
from xmppd.storage.memory import MemoryStorage


class Asked:
    """Somebody who is told when to ask, and does something then."""

    def __init__(self, then: Callable[[], None] = lambda: None):
        self.times = 0
        self._then = then

    def ask(self) -> None:
        """Count."""
        self.times += 1
        self._then()


class RoundsTests(SynchronousTestCase):
    """`Rounds.ask_soon`."""

    def setUp(self) -> None:
        """Time is ours."""
        self.clock = Clock()
        self.rounds = Rounds(MemoryStorage(), Timers(self.clock))

    def pulses(self, count: int) -> None:
        """Let so many pulses pass."""
        for _ in range(count * 4):
            self.clock.advance(PULSE_S / 4)

    def test_each_is_asked_once(self) -> None:
        """Within three pulses, and not again."""
        asked = [Asked() for _ in range(3)]
        for each in asked:
            self.rounds.ask_soon(each)
        self.pulses(3)
        self.assertEqual([each.times for each in asked], [1, 1, 1])
        self.pulses(4)
        self.assertEqual([each.times for each in asked], [1, 1, 1])

    def test_who_comes_in_the_middle_of_a_pulse(self) -> None:
        """The pulse goes on for who is added while others are asked, called or not."""
        second = Asked()
        self.rounds.ask_soon(Asked(lambda: self.rounds.ask_soon(second)))
        self.pulses(6)
        self.assertEqual(second.times, 1)

    def test_nobody_waits_without_a_pulse(self) -> None:
        """Where somebody is to be asked one more may be added as they are: all are asked."""
        first, second = Asked(), Asked()
        self.rounds.ask_soon(Asked(lambda: self.rounds.ask_soon(first)))
        self.pulses(2)
        self.assertTrue(self.rounds.unasked)
        self.rounds.unasked[second] = None
        self.pulses(3)
        self.assertEqual((first.times, second.times, len(self.rounds.unasked)), (1, 1, 0))
