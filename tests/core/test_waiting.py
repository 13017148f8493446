"""From ``async def`` to Deferred: what waits, what does not, and what has failed."""

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.waiting import deferred, is_there, spawn, started


class StartedTests(SynchronousTestCase):
    """`started`, with a body that awaits what each test gives it."""

    def setUp(self) -> None:
        """Nothing has happened."""
        self.heard: list[object] = []

    async def body(self, *awaited: Deferred[str]) -> list[str]:
        """Give what all that is awaited fires with; hear what is raised, and that it ends."""
        try:
            return [await each for each in awaited]
        except Exception as error:
            self.heard.append(error)
            raise
        finally:
            self.heard.append("ended")

    def test_without_a_wait_the_result_is_there(self) -> None:
        """Also where what is awaited has fired already."""
        self.assertEqual(self.successResultOf(started(self.body())), [])
        self.assertEqual(self.successResultOf(started(self.body(succeed("a"), succeed("b")))), ["a", "b"])

    def test_what_is_raised_without_a_wait_is_the_failure(self) -> None:
        """The call itself raises nothing."""
        error = ValueError("no good")
        self.assertIs(self.failureResultOf(started(self.body(fail(error))), ValueError).value, error)

    def test_it_goes_on_when_what_it_awaits_fires(self) -> None:
        """The first time as later."""
        first: Deferred[str] = Deferred()
        second: Deferred[str] = Deferred()
        result = started(self.body(first, second))
        self.assertNoResult(result)
        first.callback("a")
        self.assertNoResult(result)
        second.callback("b")
        self.assertEqual(self.successResultOf(result), ["a", "b"])

    def test_it_meets_a_failure_where_it_waits(self) -> None:
        """The first time as later."""
        for before in ([], [succeed("a")], [Deferred[str]()]):
            with self.subTest(waits=len(before)):
                self.heard.clear()
                failing: Deferred[str] = Deferred()
                result = started(self.body(*before, failing))
                for each in before:
                    if not each.called:
                        each.callback("a")
                error = ValueError("no good")
                failing.errback(error)
                self.assertIs(self.failureResultOf(result, ValueError).value, error)
                self.assertEqual(self.heard, [error, "ended"])

    def test_to_cancel_cancels_what_it_awaits(self) -> None:
        """Now or later."""
        for before in ([], [Deferred[str]()]):
            with self.subTest(waits=len(before)):
                told: list[object] = []
                awaited: Deferred[str] = Deferred(told.append)
                result = started(self.body(*before, awaited))
                for each in before:
                    each.callback("a")
                result.cancel()
                self.assertEqual(told, [awaited])
                self.failureResultOf(result, CancelledError)

    def test_one_may_await_another(self) -> None:
        """However deep: what the innermost awaits is what all wait for."""
        innermost: Deferred[str] = Deferred()

        async def outer() -> list[str]:
            return await self.body(innermost)

        result = started(outer())
        innermost.callback("a")
        self.assertEqual(self.successResultOf(result), ["a"])

    def test_a_method_is_exposed_with_its_name(self) -> None:
        """`deferred` gives what `started` does."""

        @deferred
        async def sum_of(one: int, other: int) -> int:
            return one + other

        self.assertEqual(self.successResultOf(sum_of(1, other=2)), 3)
        self.assertEqual(sum_of.__name__, "sum_of")


class IsThereTests(SynchronousTestCase):
    """`is_there`."""

    def test_a_result(self) -> None:
        """None as well."""
        self.assertTrue(is_there(succeed(None)))

    def test_nothing_yet(self) -> None:
        """Neither where nothing has fired, nor where it waits for another one behind that."""
        self.assertFalse(is_there(Deferred()))
        self.assertFalse(is_there(succeed(None).addCallback(lambda _: Deferred())))

    def test_a_failure(self) -> None:
        """It is none, and stays to be dealt with."""
        failing = fail(ValueError())
        self.assertFalse(is_there(failing))
        self.failureResultOf(failing, ValueError)


class SpawnTests(SynchronousTestCase):
    """`spawn`."""

    def test_a_failure_is_logged_once(self) -> None:
        """Of a coroutine as of a Deferred; what is given does not fail."""

        async def failing() -> None:
            raise ValueError("no good")

        for waiting in (failing(), fail(ValueError("no good"))):
            self.assertIsNone(self.successResultOf(spawn("a task", waiting)))
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
