"""Giving memory back after many sessions have ended."""

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.heap import LOOK_S, MANY, Heap, trim
from xmppd.core.timers import Timers


class HeapTests(SynchronousTestCase):
    """`Heap`."""

    def setUp(self) -> None:
        """Nobody is there at first."""
        self.clock = Clock()
        self.sessions = self.trimmed = 0
        Heap(Timers(self.clock), lambda: self.sessions, execute, self.count)

    def count(self) -> None:
        """Count a trimming."""
        self.trimmed += 1

    def there_are(self, sessions: int) -> int:
        """Let so many be there when it looks; give how often the heap was trimmed."""
        self.sessions = sessions
        self.clock.advance(LOOK_S)
        return self.trimmed

    def test_after_a_wave(self) -> None:
        """Once, however many have ended, and again after the next wave."""
        counts = [self.there_are(sessions) for sessions in (0, 10 * MANY, 9 * MANY, 0, 0, MANY, 0)]
        self.assertEqual(counts, [0, 0, 1, 2, 2, 2, 3])

    def test_a_few_come_and_go(self) -> None:
        """That is not worth it, unless they come to many."""
        counts = [self.there_are(sessions) for sessions in (MANY, MANY // 2 + 1, MANY, 1, 0)]
        self.assertEqual(counts, [0, 0, 0, 0, 1])

    def test_by_a_thread(self) -> None:
        """It is real, and waits for a thread."""
        calls: list[object] = []

        def in_thread(call: object) -> Deferred[None]:
            calls.append(call)
            return Deferred()

        clock = Clock()
        sessions = [MANY]
        Heap(Timers(clock), lambda: sessions[0], in_thread)
        clock.advance(LOOK_S)
        sessions[0] = 0
        clock.advance(LOOK_S)
        self.assertEqual(calls, [trim])
        trim()
