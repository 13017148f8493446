"""Long work in short turns: its budget, its order, its failures."""

from collections.abc import Iterator
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.timers import Timers
from xmppd.core.turns import AT_ONCE, BUDGET, DELIVERED, JAM_S, JAMMED, ROUTED, SMALL, SPACE_S, Turns, at_once


class TurnsTests(SynchronousTestCase):
    """`Turns`."""

    def setUp(self) -> None:
        """Give each test turns with a budget of 1,000."""
        self.clock = Clock()
        self.turns = Turns(Timers(self.clock), 1_000)
        self.taken: list[str] = []

    def work(self, name: str, count: int, cost: int | None = 10) -> Iterator[int | None]:
        """Give work of so many steps."""
        for _ in range(count):
            self.taken.append(name)
            yield cost

    def test_small_work_is_done_at_once(self) -> None:
        """What fits into the budget leaves nothing to wait for."""
        self.assertIs(self.turns.run(self.work("a", 20)), None)
        self.assertIs(self.turns.run(self.work("b", 20)), None)
        self.assertEqual(len(self.taken), 40)

    def test_large_work_goes_on_with_a_new_budget(self) -> None:
        """The first of a time may spend the whole budget; the rest is done a budget at a time."""
        done = self.turns.run(self.work("a", 250))
        assert done is not None
        for taken in (100, 200):
            self.assertEqual(len(self.taken), taken)
            self.assertNoResult(done)
            self.clock.advance(SPACE_S)
        self.successResultOf(done)
        self.assertEqual(len(self.taken), 250)

    def test_work_begins_at_once(self) -> None:
        """Some 500 copies of it; less while other work waits, so that what both write leaves together."""
        self.turns.budget = BUDGET
        self.assertIs(self.turns.run(self.work("a", 50)), None)
        large = self.turns.run(self.work("b", 150))
        self.assertEqual(self.taken.count("b"), AT_ONCE // 10)
        other = self.turns.run(self.work("c", 45))
        self.assertEqual(self.taken.count("c"), SMALL // 10)
        self.assertIs(self.turns.run(self.work("d", 10)), None)
        self.clock.advance(SPACE_S)
        for waiting in (large, other):
            assert waiting is not None
            self.successResultOf(waiting)

    def test_what_is_known_to_be_more_begins_with_little(self) -> None:
        """Two broadcasts to 600 each: what both write to the same people leaves together, in one write."""
        self.turns.budget = BUDGET
        self.assertIs(self.turns.run(self.work("a", 50)), None)
        broadcasts = [self.turns.run(self.work(name, 600, DELIVERED), at_once(600)) for name in ("b", "c")]
        self.assertEqual(self.taken.count("b"), SMALL // DELIVERED)
        self.assertEqual(self.taken.count("c"), SMALL // DELIVERED)
        self.clock.advance(SPACE_S)
        for waiting in broadcasts:
            assert waiting is not None
            self.successResultOf(waiting)
        self.assertIs(self.turns.run(self.work("d", 400, DELIVERED), at_once(400)), None)

    def test_each_turn_of_the_reactor_has_a_budget(self) -> None:
        """Nobody waits for `SPACE_S` because others have sent much; each turn is bounded all the same."""
        self.turns.budget = BUDGET
        for _ in range(10):
            for _ in range(40):
                self.turns.run(self.work("a", 10), AT_ONCE)
            self.clock.advance(0)
        self.assertEqual(len(self.taken), 10 * BUDGET // 10)

    def test_nothing_is_done_beyond_the_budget(self) -> None:
        """Many pieces of small work are bounded together."""
        waits = [self.turns.run(self.work("a", 10)) for _ in range(25)]
        self.assertEqual(len(self.taken), 100)
        self.clock.advance(SPACE_S)
        self.assertEqual(len(self.taken), 200)
        self.clock.advance(SPACE_S)
        self.assertTrue(all(wait is None or wait.called for wait in waits))

    def test_those_who_wait_take_turns(self) -> None:
        """A huge piece does not keep the others waiting."""
        self.turns.run(self.work("huge", 5_000))
        small = self.turns.run(self.work("small", 20))
        assert small is not None
        self.clock.advance(SPACE_S)
        self.successResultOf(small)

    def test_what_follows_done_work_belongs_to_its_turn(self) -> None:
        """The next stanza of a session that has waited goes on with the same budget."""
        first = self.turns.run(self.work("a", 110))
        assert first is not None
        following: list[Any] = []
        first.addCallback(lambda _: following.append(self.turns.run(self.work("b", 50))))
        self.clock.advance(SPACE_S)
        self.assertEqual(following, [None])

    def test_a_step_that_says_nothing_is_dear(self) -> None:
        """It counts as one that goes through the router."""
        self.turns.run(self.work("a", 1_000, None))
        self.assertEqual(len(self.taken), 1_000 // ROUTED)

    def test_a_jam_is_waited_out(self) -> None:
        """Work that finds somebody who does not read leaves the budget to others, and tries again later."""

        def jammed() -> Iterator[int]:
            yield 10
            yield JAMMED
            self.taken.append("on")
            yield 10

        done = self.turns.run(jammed())
        assert done is not None
        self.assertIs(self.turns.run(self.work("a", 10)), None)
        self.clock.advance(JAM_S - SPACE_S)
        self.assertNotIn("on", self.taken)
        self.clock.pump([SPACE_S] * 3)
        self.assertIn("on", self.taken)
        self.successResultOf(done)

    def test_what_fails_fails_alone(self) -> None:
        """Who waits for it hears of it; the others go on."""

        def broken() -> Iterator[int]:
            yield 1_000
            raise ZeroDivisionError

        failed = self.turns.run(broken())
        other = self.turns.run(self.work("a", 10))
        assert failed is not None
        assert other is not None
        self.clock.advance(SPACE_S)
        self.failureResultOf(failed, ZeroDivisionError)
        self.successResultOf(other)

    def test_what_fails_at_once_is_raised(self) -> None:
        """Who calls hears of it, and the next is done as ever."""

        def broken() -> Iterator[int]:
            raise ZeroDivisionError
            yield 1

        self.assertRaises(ZeroDivisionError, self.turns.run, broken())
        self.assertIs(self.turns.run(self.work("a", 10)), None)

    def test_no_timer_is_left_when_there_is_nothing_to_do(self) -> None:
        """An idle server does not wake up."""
        self.turns.run(self.work("a", 150))
        self.clock.pump([SPACE_S] * 5)
        self.assertEqual(self.clock.calls, [])
