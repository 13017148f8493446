"""Timers on one delayed call: a test for each row of their rules, t1 to t12."""

import weakref

from twisted.trial.unittest import TestCase

from tests.core.timing import Param, TimersCase
from xmppd.core.timers import BUDGET_S, Timer, Timers

MANY = 100_000


class RowTests(TimersCase):
    """Rows t1 to t12."""

    def test_t1_runs_once_after_the_delay(self) -> None:
        """t1: add gives an id at once; the callback gets (now, id, param) once, not before the delay."""
        timer = self.timers.add(5, self.record_all, "param")
        self.assertIsInstance(timer, Timer)
        self.clock.advance(4.999)
        self.assertEqual(self.ran, [])
        self.clock.advance(0.001)
        self.assertEqual(self.ran, [(self.clock.seconds(), timer, "param")])
        self.clock.pump([5.0] * 5)
        self.assertEqual(len(self.ran), 1)
        self.assertFalse(timer.is_alive)

    def test_t2_number_repeats(self) -> None:
        """t2: a number n returned means again n seconds later, with the same id and param."""
        answers: list[object] = [3, 0.5, None]

        def again(now: float, timer: Timer, param: object) -> object:
            self.record_all(now, timer, param)
            return answers.pop(0)

        timer = self.timers.add(1, again, "p")
        self.clock.pump([1.0, 2.5, 0.5, 0.5, 10.0])
        start = 1001.0
        self.assertEqual(self.ran, [(start, timer, "p"), (start + 3, timer, "p"), (start + 3.5, timer, "p")])

    def test_t2_anything_else_ends(self) -> None:
        """t2: what is not a finite number ends the timer; True is no number."""
        for answer in (None, True, "1", float("nan"), float("inf"), [1]):
            timer = self.timers.add(1, lambda now, timer, param: param, answer)
            self.clock.advance(1)
            self.assertFalse(timer.is_alive, answer)
            self.assertEqual(len(self.timers), 0)

    def test_t3_error_is_logged_and_contained(self) -> None:
        """t3: a callback that raises is logged with its traceback and ends, also on its second run."""

        def fail_second_time(now: float, timer: Timer, param: list[float]) -> float:
            param.append(now)
            if len(param) == 2:
                raise RuntimeError("second run")
            return 1

        runs: list[float] = []
        timer = self.timers.add(1, fail_second_time, runs)
        self.timers.add(2, self.record, "same moment")
        self.timers.add(3, self.record, "later")
        self.clock.pump([1.0] * 5)
        [failure] = self.flushLoggedErrors(RuntimeError)
        self.assertIn("fail_second_time", failure.getTraceback())
        self.assertEqual(len(runs), 2)
        self.assertEqual(self.ran, ["same moment", "later"])
        self.assertFalse(timer.is_alive)

    def test_t3_error_after_reschedule(self) -> None:
        """t3: a callback that raises is not repeated, even if it had rescheduled itself."""

        def fail(now: float, timer: Timer, param: object) -> None:
            self.timers.reschedule(timer, 1)
            raise RuntimeError

        self.timers.add(1, fail)
        self.clock.pump([1.0] * 3)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(len(self.timers), 0)

    def test_t4_stopped_never_fires(self) -> None:
        """t4: stop before it is due; stopping twice, what has run or what is unknown is no error."""
        timer = self.timers.add(1, self.record)
        done = self.timers.add(0.5, self.record, "done")
        foreign = Timers(self.clock).add(1, self.record, "foreign")
        self.clock.advance(0.5)
        for unknown in (timer, timer, done, foreign, None, object()):
            self.timers.stop(unknown)
        self.clock.advance(5)
        self.assertEqual(self.ran, ["done", "foreign"])

    def test_t5_stop_other_in_the_same_tick(self) -> None:
        """t5: a callback stops another that is due in the same tick."""
        others: list[Timer] = []
        self.timers.add(1, lambda now, timer, param: self.timers.stop(others[0]))
        others.append(self.timers.add(1, self.record, "stopped"))
        self.timers.add(1, self.record, "kept")
        self.clock.advance(2)
        self.assertEqual(self.ran, ["kept"])

    def test_t6_stop_itself_beats_a_number(self) -> None:
        """t6: a callback that stops its own id and then returns a number does not run again."""

        def stop(now: float, timer: Timer, param: object) -> float:
            self.ran.append(now)
            self.timers.stop(timer)
            return 1

        self.timers.add(1, stop)
        self.clock.pump([1.0] * 4)
        self.assertEqual(len(self.ran), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_t7_reschedule_later(self) -> None:
        """t7: put off, it fires that long from now, once."""
        timer = self.timers.add(2, self.record, "put off")
        self.clock.advance(1)
        self.timers.reschedule(timer, 3)
        self.clock.advance(2.9)
        self.assertEqual(self.ran, [])
        self.clock.pump([0.1, 5.0, 5.0])
        self.assertEqual(self.ran, ["put off"])

    def test_t7_reschedule_earlier(self) -> None:
        """t7: brought forward, it fires that long from now, once."""
        timer = self.timers.add(10, self.record, "sooner")
        self.timers.reschedule(timer, 1)
        self.clock.advance(1)
        self.assertEqual(self.ran, ["sooner"])
        self.clock.advance(20)
        self.assertEqual(self.ran, ["sooner"])

    def test_t7_reschedule_to_and_fro(self) -> None:
        """t7: the last word counts, however often it was changed."""
        timer = self.timers.add(10, self.record, "x")
        for delay_s in (20, 15, 30, 1, 2, 12):
            self.timers.reschedule(timer, delay_s)
        self.clock.pump([11.0, 0.9])
        self.assertEqual(self.ran, [])
        self.clock.pump([0.1, 30.0])
        self.assertEqual(self.ran, ["x"])

    def test_t7_reschedule_itself(self) -> None:
        """t7: a callback that reschedules its own id runs again then; a number returned overrules."""

        def twice(now: float, timer: Timer, param: object) -> object:
            self.ran.append(now - 1000)
            if len(self.ran) < 3:
                self.timers.reschedule(timer, 2)
            return 5 if len(self.ran) == 2 else None

        self.timers.add(1, twice)
        self.clock.pump([1.0] * 12)
        self.assertEqual(self.ran, [1, 3, 8])

    def test_t8_reschedule_dead(self) -> None:
        """t8: rescheduling what has run, was stopped or is unknown has no effect and is no error."""
        done, stopped = self.timers.add(1, self.record, "done"), self.timers.add(1, self.record)
        self.timers.stop(stopped)
        self.clock.advance(1)
        for dead in (done, stopped, None, object()):
            self.timers.reschedule(dead, 1)
        self.clock.advance(5)
        self.assertEqual(self.ran, ["done"])

    def test_t9_zero_delay_is_soon_not_recursive(self) -> None:
        """t9: what a callback adds with delay 0 or less runs soon, but after what is due already."""

        def add(now: float, timer: Timer, param: object) -> None:
            self.timers.add(0, self.record, "zero")
            self.timers.add(-5, self.record, "negative")
            self.ran.append("end of callback")

        self.timers.add(1, add)
        self.timers.add(1, self.record, "due already")
        self.clock.advance(1)
        self.assertEqual(self.ran, ["end of callback", "due already", "zero", "negative"])

    def test_t9_zero_delay_yields(self) -> None:
        """t9: a callback that returns 0 leaves the clock a turn before it runs again."""

        def again(now: float, timer: Timer, param: object) -> int:
            self.ran.append(now)
            return 0

        self.timers.add(0, again)
        for turn in range(1, 4):
            [call] = self.clock.calls
            self.clock.calls.clear()
            call.func(*call.args, **call.kw)
            self.assertEqual(len(self.ran), turn)

    def test_t9_add_never_runs_at_once(self) -> None:
        """t9: a negative delay is as soon as possible, but not within add."""
        self.timers.add(-1, self.record, "x")
        self.assertEqual(self.ran, [])
        self.clock.advance(0)
        self.assertEqual(self.ran, ["x"])

    def test_t10_equal_deadlines_in_order(self) -> None:
        """t10: equal deadlines fire in the order in which they were set; rescheduling sets anew."""
        timers = [self.timers.add(1, self.record, number) for number in range(200)]
        self.timers.reschedule(timers[0], 1)
        self.clock.advance(1)
        self.assertEqual(self.ran, [*range(1, 200), 0])

    def test_t10_many_that_are_due_together_take_turns(self) -> None:
        """t10: callbacks that take long leave the rest to later turns: none is lost, and the order stays."""
        elapsed = 0.0
        self.timers = Timers(self.clock, seconds=lambda: self.clock.seconds() + elapsed)

        def busy(now: float, timer: Timer, param: object) -> None:
            nonlocal elapsed
            elapsed += BUDGET_S / 4
            self.ran.append(param)

        for number in range(12):
            self.timers.add(1, busy, number)
        self.assertEqual(self.clock.asked, 1)
        self.clock.advance(1)
        self.assertEqual(self.ran, list(range(12)))
        self.assertEqual(self.clock.asked, 3, "five, then five, then two")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_t11_100_000_timers_are_cheap(self) -> None:
        """t11: 100,000 timers are one delayed call; stopping them shrinks the heap on the way."""
        timers = [self.timers.add(10 + number % 97, self.record, number) for number in range(MANY)]
        self.assertEqual(
            (len(self.timers), self.clock.asked, len(self.clock.getDelayedCalls())), (MANY, 1, 1)
        )
        for timer in timers[: MANY - 100]:
            self.timers.stop(timer)
        self.assertEqual((len(self.timers), self.clock.asked), (100, 1))
        self.assertLess(len(self.timers._heap), 300)
        self.clock.advance(200)
        self.assertEqual(len(self.ran), 100)

    def test_t11_putting_off_leaves_nothing(self) -> None:
        """t11: a timer that is rescheduled again and again, as an idle timeout is, does not fill the heap."""
        timers = [self.timers.add(60, self.record, number) for number in range(100)]
        for _ in range(100):
            self.clock.advance(1)
            for timer in timers:
                self.timers.reschedule(timer, 60)
        self.assertEqual(len(self.timers._heap), 100)
        for number in range(10_000):
            self.timers.reschedule(timers[number % 100], 50 - number / 1000)
        self.assertLess(len(self.timers._heap), 300)
        self.clock.advance(50)
        self.assertEqual(len(self.ran), 100)

    def test_t11_forgets_what_ended(self) -> None:
        """t11: after it was stopped or has run, neither callback nor parameter is kept, even if the id is."""
        self.timers.add(1000, self.record)  # something stays pending
        for how in ("stop", "run", "stop_all"):
            param, callback = Param(), lambda now, timer, param: None
            seen = weakref.ref(param), weakref.ref(callback)
            timer = self.timers.add(1, callback, param)
            if how == "run":
                self.clock.advance(1)
            else:
                self.timers.stop_all() if how == "stop_all" else self.timers.stop(timer)
            del param, callback
            self.assertEqual([reference() for reference in seen], [None, None], how)

    def test_t11_forgets_what_failed(self) -> None:
        """t11: nor are they kept after it failed (but by the traceback, while somebody holds that)."""

        def fail(now: float, timer: Timer, param: object) -> None:
            raise RuntimeError

        timer = self.timers.add(1, fail, Param())
        self.clock.advance(1)
        self.flushLoggedErrors(RuntimeError)
        self.assertEqual((timer._callback, timer._param), (None, None))

    def test_t12_stop_all_leaves_no_delayed_call(self) -> None:
        """t12: stop_all ends every timer and cancels the delayed call; new timers may follow."""
        for delay_s in (1, 2, 3):
            self.timers.add(delay_s, self.record)
        self.timers.stop_all()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.timers), 0)
        self.clock.advance(5)
        self.assertEqual(self.ran, [])
        self.timers.add(1, self.record, "new")
        self.clock.advance(1)
        self.assertEqual(self.ran, ["new"])

    def test_t12_stop_all_inside_a_callback(self) -> None:
        """t12: stop_all inside a callback ends that one too, whatever it returns."""

        def shut_down(now: float, timer: Timer, param: object) -> float:
            self.timers.stop_all()
            return 1

        timer = self.timers.add(1, shut_down)
        self.timers.add(1, self.record)
        self.clock.pump([1.0] * 3)
        self.assertEqual((self.ran, timer.is_alive), ([], False))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_t12_last_one_stopped(self) -> None:
        """t12: no delayed call is left when the last timer is stopped or has run."""
        self.timers.stop(self.timers.add(1, self.record))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.timers.add(1, self.record)
        self.clock.advance(1)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ReactorTests(TestCase):
    """On the real reactor, whose state trial checks after each test."""

    def test_t12_clean_reactor(self) -> None:
        """t12: after stop_all trial finds no delayed call."""
        from twisted.internet import reactor  # not before a test needs it: it may be chosen until then

        timers = Timers(reactor)
        timers.add(60, lambda now, timer, param: None)
        timers.add(30, lambda now, timer, param: None)
        timers.stop_all()
