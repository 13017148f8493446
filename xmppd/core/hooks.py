"""Hooks: the places where modules join in, each declared once with what is handed over.

A handler is a plain callable with an integer priority, higher first, equal ones in the order they were added. Two
ways of calling: `Hooks.ask`, where the first answer that is not None ends the chain, and `Hooks.notify`, where all
hear of it and none can disturb another. A handler that waits returns a Deferred; the chain goes on after it.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

P = TypeVar("P")

Handler = Callable[[Any], Any]


class Hook(Generic[P]):
    """A declared hook: its name, and in its docstring who calls it, with what, and what an answer means."""

    def __init__(self, name: str, doc: str):
        self.name = name
        self.__doc__ = doc

    def __repr__(self) -> str:
        return f"<Hook {self.name}>"


class Hooks:
    """The handlers of one host, ready to be called: tuples in order, built when handlers come and go."""

    _log = Logger()

    def __init__(self) -> None:
        self._ranked: dict[Hook[Any], list[tuple[int, Handler]]] = {}
        self._resolved: dict[Hook[Any], tuple[Handler, ...]] = {}

    def add(self, hook: Hook[P], handler: Callable[[P], Any], priority: int = 0) -> None:
        """Let *handler* be called for *hook*; higher priorities come first."""
        ranked = self._ranked.setdefault(hook, [])
        ranked.append((priority, handler))
        ranked.sort(key=lambda entry: -entry[0])
        self._resolve(hook)

    def remove(self, hook: Hook[P], handler: Callable[[P], Any]) -> None:
        """Undo `add`; ValueError if it was not added."""
        ranked = self._ranked[hook]
        for index, (_, known) in enumerate(ranked):
            if known == handler:
                del ranked[index]
                self._resolve(hook)
                return
        raise ValueError(f"{handler!r} does not handle {hook!r}")

    def handlers(self, hook: Hook[P]) -> tuple[Callable[[P], Any], ...]:
        """Give the handlers of *hook* in calling order; empty when nobody cares."""
        return self._resolved.get(hook, ())

    def ask(self, hook: Hook[P], payload: P) -> Any:
        """Call the handlers in order until one answers; give its answer, None, or a Deferred of either.

        What a handler raises reaches the caller.
        """
        return ask_these(self._resolved.get(hook, ()), payload)

    def notify(self, hook: Hook[P], payload: P) -> "Deferred[None] | None":
        """Call all handlers of *hook*; what one raises is logged and the others still hear.

        None when all are done, else a Deferred that fires when they are.
        """
        return self._notify(hook, self._resolved.get(hook, ()), 0, payload)

    def _notify(
        self, hook: Hook[P], handlers: tuple[Handler, ...], index: int, payload: P
    ) -> Deferred[None] | None:
        for position in range(index, len(handlers)):
            try:
                answer = handlers[position](payload)
            except Exception:  # noqa: BLE001 - the net of the hook call: one handler's bug is not the others'
                self._failed(Failure(), hook)
                continue
            if isinstance(answer, Deferred):
                heard: Deferred[None] = answer.addErrback(self._failed, hook)
                return heard.addCallback(self._tell_on, hook, handlers, position + 1, payload)
        return None

    def _tell_on(
        self, _: None, hook: Hook[P], handlers: tuple[Handler, ...], index: int, payload: P
    ) -> Deferred[None] | None:
        return self._notify(hook, handlers, index, payload)

    def _failed(self, failure: Failure, hook: Hook[Any]) -> None:
        self._log.failure("A handler of hook {hook} has failed", failure, hook=hook.name)

    def _resolve(self, hook: Hook[Any]) -> None:
        self._resolved[hook] = tuple(handler for _, handler in self._ranked[hook])


def ask_these(handlers: tuple[Handler, ...], payload: Any) -> Any:
    """Call *handlers* in order until one answers, as `Hooks.ask` does, for those who have looked them up already."""
    for position, handler in enumerate(handlers):
        answer = handler(payload)
        if answer is None:
            continue
        if isinstance(answer, Deferred):
            return answer.addCallback(_go_on, handlers[position + 1 :], payload)
        return answer
    return None


def _go_on(answer: Any, handlers: tuple[Handler, ...], payload: Any) -> Any:
    return answer if answer is not None else ask_these(handlers, payload)
