"""The one way from ``async def`` to Deferred, and the one way to let go of a Deferred that nobody awaits.

What has nothing to wait for, as most of a login, is done without Twisted's machinery for coroutines, which costs many
times what it costs to run one.
"""

from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

P = ParamSpec("P")
T = TypeVar("T")

Running = Coroutine[Any, Any, T]
"""An ``async def`` that was called."""
Waiting = Deferred[Any] | None
"""None when all is done, else what fires when it is."""
_log = Logger()


def started(running: Running[T]) -> Deferred[T]:
    """Run *running* up to its first real wait; the Deferred of its result may come back already fired."""
    try:
        awaited = running.send(None)
    except StopIteration as ended:
        return succeed(ended.value)
    except BaseException:  # noqa: BLE001 - as Twisted does: whatever it is, who waits is told
        return fail()
    return Deferred.fromCoroutine(_Begun(running, awaited))


def deferred(method: Callable[P, Running[T]]) -> Callable[P, Deferred[T]]:
    """Expose an ``async def`` as a function that returns a Deferred of its result: see `started`."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return started(method(*args, **kwargs))

    return call


def is_there(answer: Deferred[Any]) -> bool:
    """Whether *answer* has fired, and not with a failure: then its ``result`` can be taken as it stands."""
    return answer.called and not answer.paused and not isinstance(answer.result, Failure)


async def waited(answer: object) -> object:
    """Give what *answer* is, or, of a Deferred, what it fires with: for what a hook was asked."""
    return await answer if isinstance(answer, Deferred) else answer


def spawn(name: str, waiting: "Running[T] | Deferred[T]") -> Deferred[T | None]:
    """Let *waiting* run on its own; a failure is logged once under *name*. The Deferred given never fails."""
    running = waiting if isinstance(waiting, Deferred) else started(waiting)
    return running.addErrback(
        lambda failure: _log.failure("A task that nobody awaits has failed: {task}", failure, task=name)
    )


class _Begun(Coroutine[Any, Any, T]):
    """A coroutine that has come to its first wait, for who wants to begin it: gives what that is for, and goes on."""

    __slots__ = ("_awaited", "_running")

    def __init__(self, running: Running[T], awaited: object) -> None:
        self._running = running
        self._awaited = awaited

    def send(self, value: object) -> Any:
        """Give what is awaited next, the first time what is awaited now."""
        awaited, self._awaited = self._awaited, None
        return self._running.send(value) if awaited is None else awaited

    def throw(self, *error: Any) -> Any:
        """Have it meet *error* where it waits; give what is awaited next."""
        return self._running.throw(*error)

    def close(self) -> None:
        """End it."""
        self._running.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._running.__await__()
