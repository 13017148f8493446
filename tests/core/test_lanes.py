"""Long work in order: each lane one piece after the other, bounded, whatever the others do."""

from collections import defaultdict
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.lanes import Lanes
from xmppd.core.timers import Timers
from xmppd.core.turns import AT_ONCE, BUDGET, SPACE_S, Turns

BOUND = 4


class LanesTests(SynchronousTestCase):
    """`Lanes`."""

    def setUp(self) -> None:
        """Give each test lanes of four pieces."""
        self.clock = Clock()
        self.turns = Turns(Timers(self.clock))
        self.lanes = Lanes(self.turns, BOUND)
        self.taken: list[str] = []

    def piece(self, name: str, steps: int = 1, cost: int = 100) -> Iterator[int]:
        """Give work of so many steps."""
        for _ in range(steps):
            self.taken.append(name)
            yield cost

    def go_on(self, turns: int = 50) -> None:
        """Let time pass."""
        self.clock.pump([SPACE_S] * turns)

    def test_an_empty_lane_begins_at_once(self) -> None:
        """Some 500 copies leave in the turn in which they are due, also while others wait."""
        self.lanes.run("huge", self.piece("huge", 100))
        self.clock.advance(0)
        self.assertIs(self.lanes.run("room", self.piece("a", AT_ONCE // 100)), None)
        self.assertEqual(self.taken.count("a"), AT_ONCE // 100)

    def test_a_turn_is_bounded_over_all_lanes(self) -> None:
        """What many rooms do at the same time has one budget in a turn; the next turn has a new one."""
        for number in range(100):
            self.lanes.run(number, self.piece("a", 10))
        self.assertEqual(len(self.taken), BUDGET // 100)
        self.clock.advance(0)
        self.lanes.run("late", self.piece("late", 5))
        self.assertEqual(self.taken.count("late"), 5)

    def test_the_pieces_of_a_lane_keep_their_order(self) -> None:
        """A small one waits behind a large one."""
        self.lanes.run("room", self.piece("a", 100))
        self.lanes.run("room", self.piece("b"))
        self.go_on()
        self.assertEqual(self.taken, ["a"] * 100 + ["b"])

    def test_who_brings_too_much_waits_for_room(self) -> None:
        """The sender of the piece for which there is no room any more may go on when half of them are done."""
        self.lanes.run("room", self.piece("first", 100))
        waits = [self.lanes.run("room", self.piece("more", 100)) for _ in range(BOUND)]
        self.assertEqual(waits[:-1], [None] * (BOUND - 1))
        last = waits[-1]
        assert last is not None
        self.assertNoResult(last)
        self.go_on(5)
        self.assertNoResult(last)
        self.go_on()
        self.successResultOf(last)
        self.assertEqual(len(self.taken), 100 + 100 * BOUND)

    def test_one_that_fails_is_logged_and_the_lane_goes_on(self) -> None:
        """At once, and on the way."""

        def broken(cost: int) -> Iterator[int]:
            yield cost
            raise ZeroDivisionError

        self.lanes.run("room", broken(1))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.lanes.run("room", broken(BUDGET))
        self.lanes.run("room", self.piece("on"))
        self.go_on()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.taken, ["on"])

    def test_work_that_brings_work(self) -> None:
        """What a piece has to follow it comes behind what is there."""

        def bringing() -> Iterator[int]:
            self.lanes.run("room", self.piece("brought"))
            self.taken.append("bringing")
            yield 1

        self.assertIs(self.lanes.run("room", bringing()), None)
        self.assertEqual(self.taken, ["bringing", "brought"])

    def test_what_is_done_takes_no_memory(self) -> None:
        """A lane is there as long as there is work in it, and one can wait for its end."""
        self.assertIs(self.lanes.done("room"), None)
        self.lanes.run("room", self.piece("a", 100))
        done = self.lanes.done("room")
        assert done is not None
        self.assertEqual((len(self.lanes), done.called), (1, False))
        self.go_on()
        self.successResultOf(done)
        self.assertEqual((len(self.lanes), self.clock.calls), (0, []))

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.integers(1, 40), st.sampled_from((1, 20, 900))), max_size=60
        ),
        st.lists(st.booleans(), max_size=60),
    )
    def test_order_and_bound(self, brought: list[tuple[str, int, int]], pauses: list[bool]) -> None:
        """Whatever comes: each lane's pieces are done whole and in order, no turn costs too much, and as long as
        who is told to wait does, no lane holds more than its bound and one."""
        clock = Clock()
        turns = Turns(Timers(clock))
        lanes = Lanes(turns, BOUND)
        taken: dict[str, list[int]] = defaultdict(list)
        spent = [0]
        open_: dict[str, int] = defaultdict(int)
        waits: dict[str, Deferred[None]] = {}

        def piece(key: str, number: int, steps: int, cost: int) -> Iterator[int]:
            for _ in range(steps):
                taken[key].append(number)
                spent[0] += cost
                yield cost
            open_[key] -= 1

        expected: dict[str, list[int]] = defaultdict(list)
        for number, (key, steps, cost) in enumerate(brought):
            if number < len(pauses) and pauses[number]:
                spent[0] = 0
                clock.advance(SPACE_S)
            while key in waits and not waits[key].called:
                spent[0] = 0
                clock.advance(SPACE_S)
                self.assertLessEqual(spent[0], 2 * (BUDGET + 900))
            open_[key] += 1
            waiting = lanes.run(key, piece(key, number, steps, cost))
            self.assertLessEqual(spent[0], 2 * (BUDGET + 900))
            expected[key] += [number] * steps
            if waiting is not None:
                waits[key] = waiting
            self.assertLessEqual(open_[key], BOUND + 1)
        clock.pump([SPACE_S] * 300)
        self.assertEqual((taken, len(lanes)), (expected, 0))
        self.assertTrue(all(waiting.called for waiting in waits.values()))
