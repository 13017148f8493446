"""Giving memory back after many sessions have ended."""

import gc

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.glibc import Memory, count, trim
from xmppd.admin.heap import LOOK_S, MANY, MUCH_BYTES, PIECES_A_LOOK, ROUNDS, STEP_S, Heap
from xmppd.core.timers import Timers

A_ROUND = 2
"""Steps: somebody lets go, the collector is called."""
STEPS = ROUNDS * A_ROUND + 1
"""The last one trims the heap."""


class HeapTests(SynchronousTestCase):
    """`Heap`."""

    def setUp(self) -> None:
        """Nobody is there at first."""
        self.clock = Clock()
        self.sessions = self.most = self.trimmed = self.rested = 0
        self.memory = Memory(10 * MUCH_BYTES, 5 * MUCH_BYTES, 1)
        self.counted = 0
        Heap(
            Timers(self.clock),
            self.now_and_at_most,
            execute,
            (self.release_memory,),
            self.count,
            self.count_memory,
        )
        self.clock.pump([STEP_S] * (A_ROUND + 1))
        self.at_start = self.rested, self.trimmed
        self.rested = self.trimmed = 0

    def now_and_at_most(self) -> tuple[int, int]:
        """Give how many there are, and how many there were at most since this was asked last."""
        most, self.most = max(self.most, self.sessions), self.sessions
        return self.sessions, most

    def release_memory(self) -> None:
        """Count a letting go."""
        self.rested += 1

    def count(self) -> None:
        """Count a trimming."""
        self.trimmed += 1

    def count_memory(self) -> Memory:
        """Give what is said to be used."""
        self.counted += 1
        return self.memory

    def uses(self, resident_bytes: int, used_bytes: int, free_pieces: int = 1) -> int:
        """Let so much be resident and handed out when it looks; give how often the heap was trimmed."""
        self.memory = Memory(resident_bytes, used_bytes, free_pieces)
        return self.there_are(self.sessions)

    def there_are(self, sessions: int) -> int:
        """Let so many be there when it looks; give how often the heap was trimmed."""
        self.sessions = sessions
        self.clock.advance(LOOK_S)
        self.clock.pump([STEP_S] * (STEPS - 1))
        return self.trimmed

    def test_after_the_start(self) -> None:
        """What starting has left over is given back soon, once."""
        self.assertEqual(self.at_start, (1, 1))
        self.assertEqual((self.there_are(0), self.rested), (0, 0))

    def test_one_at_a_time_lets_go(self) -> None:
        """The heap is trimmed when all have done so for the last time; others have their turn in between."""
        calls: list[str] = []
        self.patch(gc, "collect", lambda: calls.append("collect"))
        clock, sessions = Clock(), [MANY]
        caches = [lambda: calls.append("one"), lambda: calls.append("other")]
        Heap(Timers(clock), lambda: (sessions[0], sessions[0]), execute, caches, lambda: calls.append("trim"))
        clock.pump([STEP_S] * 10)
        self.assertEqual(calls, ["one", "other", "trim"])
        calls.clear()
        sessions[0] = 0
        clock.advance(LOOK_S)
        for step in range(1, 8):
            self.assertEqual(calls, ["one", "other", "collect", "one", "other", "collect", "trim"][:step])
            clock.advance(STEP_S)
        self.assertEqual(len(calls), 7)

    def test_the_collector_holds_up_few(self) -> None:
        """It is called where few are left, and would look through too much where many are."""
        calls: list[None] = []
        self.patch(gc, "collect", lambda: calls.append(None))
        for sessions in (5 * MANY, 2 * MANY, 0):
            self.there_are(sessions)
        self.assertEqual(len(calls), ROUNDS)

    def test_after_a_wave(self) -> None:
        """Once, however many have ended, and again after the next wave."""
        counts = [self.there_are(sessions) for sessions in (0, 10 * MANY, 9 * MANY, 0, 0, MANY, 0)]
        self.assertEqual(counts, [0, 0, 1, 2, 2, 2, 3])

    def test_a_wave_between_two_looks(self) -> None:
        """Who came and went since the last look counts too."""
        self.most = MANY
        self.assertEqual(self.there_are(0), 1)
        self.assertEqual(self.there_are(0), 1)

    def test_a_few_come_and_go(self) -> None:
        """That is not worth it, unless they come to many."""
        counts = [self.there_are(sessions) for sessions in (MANY, MANY // 2 + 1, MANY, 1, 0)]
        self.assertEqual(counts, [0, 0, 0, 0, 1])

    def test_what_was_freed_in_the_middle(self) -> None:
        """A few sessions that leave much: nothing more is handed out, and all is resident still."""
        peak, before = 12 * MUCH_BYTES, 5 * MUCH_BYTES
        self.assertEqual(self.uses(peak, before + 2 * MUCH_BYTES), 0)
        self.assertEqual(self.uses(peak, before + MUCH_BYTES + 1), 0)
        self.assertEqual(self.uses(peak, before + MUCH_BYTES), 1)
        self.assertEqual(self.rested, 0)

    def test_what_came_and_went_between_two_looks(self) -> None:
        """More is resident than before, and not used."""
        self.assertEqual(self.uses(11 * MUCH_BYTES, 5 * MUCH_BYTES), 1)

    def test_what_is_used(self) -> None:
        """It may grow as much as it will, and is given back by malloc itself where that is possible."""
        counts = [
            self.uses(times * MUCH_BYTES, (times - 5) * MUCH_BYTES) for times in (10, 20, 30, 40, 20, 11)
        ]
        self.assertEqual(counts, [0] * 6)

    def test_in_vain(self) -> None:
        """What is no less resident when the heap has been trimmed is let be, and what comes on top of it is not."""
        counts = [self.uses(times * MUCH_BYTES, 5 * MUCH_BYTES) for times in (12, 12, 12, 13, 13)]
        self.assertEqual(counts, [1, 1, 1, 2, 2])

    def test_less_than_ever(self) -> None:
        """What becomes less without trimming may not grow back unnoticed."""
        counts = [self.uses(times * MUCH_BYTES, 5 * MUCH_BYTES) for times in (8, 9)]
        self.assertEqual(counts, [0, 1])

    def test_where_nothing_is_counted(self) -> None:
        """Without glibc only waves are seen."""
        self.assertEqual([self.uses(0, 0, 0) for _ in range(3)], [0, 0, 0])

    def test_many_pieces_are_counted_less_often(self) -> None:
        """Somebody may wait while they are."""
        self.uses(*self.memory[:2], 2 * PIECES_A_LOOK)
        self.counted = 0
        counts = []
        for _ in range(6):
            self.there_are(0)
            counts.append(self.counted)
        self.assertEqual(counts, [0, 0, 1, 1, 1, 2])

    def test_not_counted_twice_at_once(self) -> None:
        """While threads are busy the next looks do not count."""
        calls: list[object] = []
        waiting: list[Deferred[object]] = []

        def in_thread(call: object) -> Deferred[object]:
            calls.append(call)
            if call is count:
                waiting.append(Deferred())
                return waiting[-1]
            return execute(lambda: None)

        clock = Clock()
        Heap(Timers(clock), lambda: (0, 0), in_thread)
        clock.pump([STEP_S] * 2)
        clock.pump([LOOK_S] * 5)
        self.assertEqual(calls, [trim, count, count])
        waiting[-1].callback(Memory(0, 0, 0))
        clock.advance(LOOK_S)
        self.assertEqual(calls, [trim, count, count, count])

    def test_by_a_thread(self) -> None:
        """It is real, and waits for a thread."""
        calls: list[object] = []

        def in_thread(call: object) -> Deferred[None]:
            calls.append(call)
            return Deferred()

        clock = Clock()
        sessions = [MANY]
        Heap(Timers(clock), lambda: (sessions[0], sessions[0]), in_thread)
        clock.pump([STEP_S] * 2)
        sessions[0] = 0
        clock.advance(LOOK_S)
        clock.pump([STEP_S] * STEPS)
        self.assertEqual(calls, [trim, trim])
        trim()
