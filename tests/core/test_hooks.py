"""Hooks: order, answers, waiting, and failures that disturb nobody else."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.hooks import Hook, Hooks, Link, NoSuchStation, Station, StationTaken
from xmppd.stanza.errors import StanzaError

GREETED = Hook[str]("greeted", "Asked or notified by these tests with a name.")
EARLY = Station("early", "For one.")
SHARED = Station("shared", "For many.", is_shared=True)
LATE = Station("late", "For another one.")
ARRIVED = Hook[str]("arrived", "Asked by these tests with a name.", EARLY, SHARED, LATE)


class HooksTests(SynchronousTestCase):
    """`Hooks`."""

    def setUp(self) -> None:
        """Give each test hooks of its own and a list of what was called."""
        self.hooks = Hooks()
        self.called: list[str] = []

    def handler(self, name: str, answer: Any = None) -> Any:
        """Make a handler that notes its name and gives *answer*."""

        def handle(payload: str) -> Any:
            self.called.append(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return handle

    def test_nobody_answers(self) -> None:
        """A hook without handlers has no answer and an empty tuple of handlers."""
        self.assertIsNone(self.hooks.ask(GREETED, "x"))
        self.assertEqual(self.hooks.handlers(GREETED), ())

    def test_stations_are_passed_in_their_order(self) -> None:
        """Who was added first matters only among the handlers of a shared station."""
        self.hooks.add(ARRIVED, self.handler("late"), LATE)
        self.hooks.add(ARRIVED, self.handler("first"), SHARED)
        self.hooks.add(ARRIVED, self.handler("early"), EARLY)
        self.hooks.add(ARRIVED, self.handler("second"), SHARED)
        self.hooks.ask(ARRIVED, "x")
        self.assertEqual(self.called, ["early", "first", "second", "late"])

    def test_a_hook_without_stations_has_no_order(self) -> None:
        """Its handlers are called as they were added, and name no station."""
        self.hooks.add(GREETED, self.handler("first"))
        self.hooks.add(GREETED, self.handler("second"))
        self.hooks.ask(GREETED, "x")
        self.assertEqual(self.called, ["first", "second"])
        self.assertRaises(NoSuchStation, self.hooks.add, GREETED, self.handler("third"), EARLY)

    def test_a_handler_needs_a_station_of_its_hook(self) -> None:
        """The error names those that there are."""
        error = self.assertRaises(NoSuchStation, self.hooks.add, ARRIVED, self.handler("a"))
        self.assertEqual(str(error), "the hook arrived needs a station; it has early, shared, late")
        self.assertEqual([*self.hooks.chains()], [])

    def test_equals_are_an_error_unless_the_station_is_shared(self) -> None:
        """The error says who stands there; nothing has changed."""
        self.hooks.add(ARRIVED, self.handler("a"), EARLY, module="poke")
        error = self.assertRaises(StationTaken, self.hooks.add, ARRIVED, self.handler("b"), EARLY)
        self.assertEqual(str(error), "poke stands at the station early of arrived already")
        self.hooks.ask(ARRIVED, "x")
        self.assertEqual(self.called, ["a"])

    def test_a_rank_orders_the_handlers_of_a_station(self) -> None:
        """Who comes again with its old rank has its old place."""
        ranks = [self.hooks.next_rank() for _ in range(3)]
        first = self.handler("first")
        for rank, handler in zip(ranks, (first, self.handler("second"), self.handler("third")), strict=True):
            self.hooks.add(GREETED, handler, rank=rank)
        self.hooks.remove(GREETED, first)
        self.hooks.add(GREETED, self.handler("first again"), rank=ranks[0])
        self.hooks.ask(GREETED, "x")
        self.assertEqual(self.called, ["first again", "second", "third"])

    def test_chains_tell_who_joins_where(self) -> None:
        """By the hooks' names, each with its handlers in calling order; no hook without handlers."""
        gone = self.handler("gone")
        self.hooks.add(GREETED, gone)
        self.hooks.add(ARRIVED, self.handler("b"), LATE, module="later")
        self.hooks.add(ARRIVED, self.handler("a"), EARLY, module="poke")
        self.hooks.remove(GREETED, gone)
        told = [
            (hook.name, [(link.station, link.module) for link in chain])
            for hook, chain in self.hooks.chains()
        ]
        self.assertEqual(told, [("arrived", [(EARLY, "poke"), (LATE, "later")])])

    def test_first_answer_ends_the_chain(self) -> None:
        """`ask` gives the first answer that is not None, and asks nobody after it."""
        self.hooks.add(GREETED, self.handler("a"))
        self.hooks.add(GREETED, self.handler("b", "hello"))
        self.hooks.add(GREETED, self.handler("c", "never"))
        self.assertEqual(self.hooks.ask(GREETED, "x"), "hello")
        self.assertEqual(self.called, ["a", "b"])

    def test_what_a_handler_raises_reaches_the_asker(self) -> None:
        """`ask` does not swallow."""
        self.hooks.add(GREETED, self.handler("a", KeyError("gone")))
        self.assertRaises(KeyError, self.hooks.ask, GREETED, "x")

    def asked(self) -> Deferred[object]:
        """Give the Deferred of an answer."""
        answer = self.hooks.ask(GREETED, "x")
        assert isinstance(answer, Deferred)
        return answer

    def test_the_chain_goes_on_after_a_wait_without_an_answer(self) -> None:
        """A handler that waits and then has no answer lets the next one answer."""
        waiting: Deferred[None] = Deferred()
        self.hooks.add(GREETED, self.handler("a", waiting))
        self.hooks.add(GREETED, self.handler("b", "hello"))
        answer = self.asked()
        self.assertEqual(self.called, ["a"])
        waiting.callback(None)
        self.assertEqual(self.successResultOf(answer), "hello")

    def test_an_answer_after_a_wait_ends_the_chain(self) -> None:
        """A handler that waits and answers is the last."""
        waiting: Deferred[str] = Deferred()
        self.hooks.add(GREETED, self.handler("a", waiting))
        self.hooks.add(GREETED, self.handler("b", "never"))
        answer = self.asked()
        waiting.callback("hello")
        self.assertEqual(self.successResultOf(answer), "hello")
        self.assertEqual(self.called, ["a"])

    def test_notify_tells_all_though_one_fails(self) -> None:
        """`notify` logs what a handler raises, and the others still hear."""
        self.hooks.add(GREETED, self.handler("a", ValueError("mine")))
        self.hooks.add(GREETED, self.handler("b", "an answer means nothing here"))
        self.hooks.add(GREETED, self.handler("c"))
        self.assertIsNone(self.hooks.notify(GREETED, "x"))
        self.assertEqual(self.called, ["a", "b", "c"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_notify_waits_in_order_and_survives_a_failed_wait(self) -> None:
        """`notify` calls the next handler when the one before is done, even if it failed."""
        waiting: Deferred[None] = Deferred()
        self.hooks.add(GREETED, self.handler("a", waiting))
        self.hooks.add(GREETED, self.handler("b"))
        told = self.hooks.notify(GREETED, "x")
        assert told is not None
        self.assertEqual(self.called, ["a"])
        waiting.errback(ValueError("mine"))
        self.successResultOf(told)
        self.assertEqual(self.called, ["a", "b"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_removed_handlers_are_not_called(self) -> None:
        """`remove` undoes `add`; what was never added cannot be removed."""
        handler = self.handler("a")
        self.hooks.add(GREETED, handler)
        self.hooks.remove(GREETED, handler)
        self.hooks.ask(GREETED, "x")
        self.assertEqual(self.called, [])
        self.assertRaises(ValueError, self.hooks.remove, GREETED, handler)


class WatchedTests(HooksTests):
    """`Hooks.watch`: the answers of all others are as without it, and those who watch hear them."""

    def setUp(self) -> None:
        """Watch both hooks."""
        super().setUp()
        self.told: list[tuple[str | None, str, object]] = []
        self.hooks.watch(GREETED, self.hear)
        self.hooks.watch(ARRIVED, self.hear)

    def hear(self, link: Link | None, payload: str, answer: object) -> None:
        """Note it."""
        self.told.append((link and link.module, payload, answer))

    def test_nobody_answers(self) -> None:
        """Who watches hears that."""
        self.assertIsNone(self.hooks.ask(GREETED, "x"))
        self.assertEqual(self.told, [(None, "x", None)])

    def test_answers_are_heard(self) -> None:
        """Each when it is there, also one that is waited for, and an error."""
        waited: Deferred[object] = Deferred()
        self.hooks.add(ARRIVED, self.handler("early"), EARLY, module="one")
        self.hooks.add(ARRIVED, self.handler("first", waited), SHARED, module="two")
        self.hooks.add(ARRIVED, self.handler("late", StanzaError("forbidden")), LATE, module="three")
        asked = self.hooks.ask(ARRIVED, "x")
        assert isinstance(asked, Deferred)
        self.assertEqual(self.told, [("one", "x", None)])
        waited.callback(None)
        self.failureResultOf(asked, StanzaError)
        self.assertEqual([each[:2] for each in self.told], [("one", "x"), ("two", "x"), ("three", "x")])
        self.assertIsInstance(self.told[-1][2], StanzaError)

    def test_who_watches_disturbs_nobody(self) -> None:
        """Its bug is logged."""
        self.hooks.watch(GREETED, self.handler("watches"))
        self.assertIsNone(self.hooks.ask(GREETED, "x"))
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_unwatch(self) -> None:
        """Nothing is left of it."""
        self.hooks.add(GREETED, handler := self.handler("first"))
        self.hooks.unwatch(GREETED, self.hear)
        self.assertEqual(self.hooks.handlers(GREETED), (handler,))
        self.hooks.remove(GREETED, handler)
        self.assertEqual(self.hooks.handlers(GREETED), ())
