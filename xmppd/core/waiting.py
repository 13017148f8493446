"""The one way from ``async def`` to Deferred, and the one way to let go of a Deferred that nobody awaits."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

P = ParamSpec("P")
T = TypeVar("T")

Running = Coroutine[Any, Any, T]
"""An ``async def`` that was called."""
Waiting = Deferred[Any] | None
"""None when all is done, else what fires when it is."""
_log = Logger()


def deferred(method: Callable[P, Running[T]]) -> Callable[P, Deferred[T]]:
    """Expose an ``async def`` as a function that returns a Deferred of its result.

    The body starts to run at once and runs synchronously up to its first real wait, so a Deferred may
    come back already fired.
    """

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return Deferred.fromCoroutine(method(*args, **kwargs))

    return call


async def waited(answer: object) -> object:
    """Give what *answer* is, or, of a Deferred, what it fires with: for what a hook was asked."""
    return await answer if isinstance(answer, Deferred) else answer


def spawn(name: str, waiting: "Running[T] | Deferred[T]") -> Deferred[T | None]:
    """Let *waiting* run on its own; a failure is logged once under *name*. The Deferred given never fails."""
    started = waiting if isinstance(waiting, Deferred) else Deferred.fromCoroutine(waiting)
    return started.addErrback(
        lambda failure: _log.failure("A task that nobody awaits has failed: {task}", failure, task=name)
    )
