"""Hooks: order, answers, waiting, and failures that disturb nobody else."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.hooks import Hook, Hooks

GREETED = Hook[str]("greeted", "Asked or notified by these tests with a name.")


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

    def test_higher_priority_comes_first_then_order_of_adding(self) -> None:
        """Priorities rank, equal ones keep the order in which they were added."""
        self.hooks.add(GREETED, self.handler("low"), -1)
        self.hooks.add(GREETED, self.handler("first"))
        self.hooks.add(GREETED, self.handler("second"))
        self.hooks.add(GREETED, self.handler("high"), 5)
        self.hooks.ask(GREETED, "x")
        self.assertEqual(self.called, ["high", "first", "second", "low"])

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

    def test_the_chain_goes_on_after_a_wait_without_an_answer(self) -> None:
        """A handler that waits and then has no answer lets the next one answer."""
        waiting: Deferred[None] = Deferred()
        self.hooks.add(GREETED, self.handler("a", waiting))
        self.hooks.add(GREETED, self.handler("b", "hello"))
        answer = self.hooks.ask(GREETED, "x")
        self.assertEqual(self.called, ["a"])
        waiting.callback(None)
        self.assertEqual(self.successResultOf(answer), "hello")

    def test_an_answer_after_a_wait_ends_the_chain(self) -> None:
        """A handler that waits and answers is the last."""
        waiting: Deferred[str] = Deferred()
        self.hooks.add(GREETED, self.handler("a", waiting))
        self.hooks.add(GREETED, self.handler("b", "never"))
        answer = self.hooks.ask(GREETED, "x")
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
