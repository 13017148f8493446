"""Hooks: the places where modules join in, each declared once with what is handed over and in which order.

A hook has stations, in the order in which they are passed: the hook's own words for who comes before whom. A station
takes one handler, unless it is shared; handlers of a shared station, and those of a hook without stations, must not
depend on each other's order (it is that in which their modules were loaded, and a reload keeps it). Two ways of
calling: `Hooks.ask`, where the first answer that is not None ends the chain, and `Hooks.notify`, where all hear of it
and none can disturb another. A handler is a plain callable; one that waits returns a Deferred, and the chain goes on
after it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.stanza.errors import StanzaError

P = TypeVar("P")

Handler = Callable[[Any], object]


class Station:
    """A place in the chain of one hook or several: what is done there, and whether several handlers may stand there."""

    def __init__(self, name: str, doc: str, *, is_shared: bool = False):
        self.name = name
        self.__doc__ = doc
        self.is_shared = is_shared

    def __repr__(self) -> str:
        return f"<Station {self.name}>"


class Hook(Generic[P]):
    """A declared hook: its name, its stations, and in its docstring who calls it, with what, what an answer means."""

    def __init__(self, name: str, doc: str, *stations: Station):
        """Without *stations* its handlers may come in any order."""
        self.name = name
        self.__doc__ = doc
        self.stations = stations

    def __repr__(self) -> str:
        return f"<Hook {self.name}>"

    def position(self, station: Station | None) -> int:
        """Give the place of *station* in the chain; `NoSuchStation` unless this hook has it."""
        if station is None and not self.stations:
            return 0
        if station not in self.stations:
            names = ", ".join(each.name for each in self.stations) or "none: its handlers have no order"
            wanted = "needs a station" if station is None else f"has no station {station.name}"
            raise NoSuchStation(f"the hook {self.name} {wanted}; it has {names}")
        return self.stations.index(station)


AnyHook = Hook[Any]
"""A hook, whatever it hands over."""


class NoSuchStation(ValueError):
    """A handler names a station that its hook does not have, or none where it needs one."""


class StationTaken(ValueError):
    """Another handler stands at a station that takes one."""


class Link(NamedTuple):
    """One handler in the chain of a hook."""

    position: int
    rank: int
    """Orders the handlers of one station: its module's place in the order of loading."""
    handler: Handler
    station: Station | None
    module: str
    """Whose it is; empty for what no module has added."""


Watcher = Callable[[Link | None, Any, object], None]
"""Hears of a handler that was asked: its link, the payload, and its answer or the exception that it raised. Without a
link: all were asked, and none has answered."""


class Hooks:
    """The handlers of one host, ready to be called: tuples in order, built when handlers come and go."""

    _log = Logger()

    def __init__(self) -> None:
        self._chains: dict[AnyHook, tuple[Link, ...]] = {}
        self.by_hook: dict[AnyHook, tuple[Handler, ...]] = {}
        """Those in calling order, for who looks at each stanza; only `add` and `remove` change it."""
        self._ranks = count(1)
        self._watchers: dict[AnyHook, tuple[Watcher, ...]] = {}

    def next_rank(self) -> int:
        """Give a rank behind all that were given before."""
        return next(self._ranks)

    def add(
        self,
        hook: Hook[P],
        handler: Callable[[P], object],
        station: Station | None = None,
        *,
        module: str = "",
        rank: int | None = None,
    ) -> None:
        """Let *handler* be called for *hook* at *station*; `NoSuchStation`, `StationTaken`."""
        position = hook.position(station)
        chain = self._chains.get(hook, ())
        if station is not None and not station.is_shared:
            for link in chain:
                if link.station is station:
                    whose = link.module or "something else"
                    raise StationTaken(f"{whose} stands at the station {station.name} of {hook.name} already")
        link = Link(position, self.next_rank() if rank is None else rank, handler, station, module)
        self._put(hook, tuple(sorted((*chain, link), key=_PLACE)))

    def remove(self, hook: Hook[P], handler: Callable[[P], object]) -> None:
        """Undo `add`; ValueError if it was not added."""
        chain = self._chains.get(hook, ())
        for index, link in enumerate(chain):
            if link.handler == handler:
                self._put(hook, chain[:index] + chain[index + 1 :])
                return
        raise ValueError(f"{handler!r} does not handle {hook!r}")

    def watch(self, hook: Hook[P], told: Watcher) -> None:
        """Have *told* hear what each handler of an asked *hook* answers, and when none of them has answered.

        While nobody watches, nothing of it is there.
        """
        self._watchers[hook] = (*self._watchers.get(hook, ()), told)
        self._resolve(hook)

    def unwatch(self, hook: Hook[P], told: Watcher) -> None:
        """Undo `watch`."""
        left = tuple(each for each in self._watchers.pop(hook) if each != told)
        if left:
            self._watchers[hook] = left
        self._resolve(hook)

    def handlers(self, hook: Hook[P]) -> tuple[Callable[[P], object], ...]:
        """Give the handlers of *hook* in calling order; empty when nobody cares."""
        return self.by_hook.get(hook, ())

    def chains(self) -> Iterator[tuple[AnyHook, tuple[Link, ...]]]:
        """Give every hook that has handlers, by its name, with them in calling order."""
        return iter(sorted(self._chains.items(), key=lambda entry: entry[0].name))

    def ask(self, hook: Hook[P], payload: P) -> object:
        """Call the handlers in order until one answers; give its answer, None, or a Deferred of either.

        What a handler raises reaches the caller.
        """
        return _ask(self.by_hook.get(hook, ()), payload)

    def notify(self, hook: Hook[P], payload: P) -> "Deferred[None] | None":
        """Call all handlers of *hook*; what one raises is logged and the others still hear.

        None when all are done, else a Deferred that fires when they are.
        """
        return self._notify(hook, self.by_hook.get(hook, ()), 0, payload)

    def _notify(
        self, hook: Hook[P], handlers: tuple[Handler, ...], index: int, payload: P
    ) -> Deferred[None] | None:
        for position in range(index, len(handlers)):
            try:
                answer = handlers[position](payload)
            except Exception:  # noqa: BLE001 - the net of the hook call: one handler's bug is not the others'
                self._failed(Failure(), hook)
                continue
            if answer is not None and isinstance(answer, Deferred):  # an abstract class, which is slow to ask
                heard: Deferred[None] = answer.addErrback(self._failed, hook)
                return heard.addCallback(self._tell_on, hook, handlers, position + 1, payload)
        return None

    def _tell_on(
        self, _: None, hook: Hook[P], handlers: tuple[Handler, ...], index: int, payload: P
    ) -> Deferred[None] | None:
        return self._notify(hook, handlers, index, payload)

    def _failed(self, failure: Failure, hook: AnyHook) -> None:
        self._log.failure("A handler of hook {hook} has failed", failure, hook=hook.name)

    def _put(self, hook: AnyHook, chain: tuple[Link, ...]) -> None:
        if chain:
            self._chains[hook] = chain
        else:
            del self._chains[hook]
        self._resolve(hook)

    def _resolve(self, hook: AnyHook) -> None:
        """Make ready what is called."""
        chain = self._chains.get(hook, ())
        handlers = tuple(link.handler for link in chain)
        if hook in self._watchers:
            handlers = (*(self._watched(hook, link) for link in chain), partial(self._tell, hook, None, None))
        if handlers:
            self.by_hook[hook] = handlers
        else:
            self.by_hook.pop(hook, None)

    def _watched(self, hook: AnyHook, link: Link) -> Handler:
        """Give the handler of *link* so that those who watch hear what it answers, when it has."""

        def handle(payload: object) -> object:
            try:
                answer = link.handler(payload)
            except StanzaError as error:
                self._tell(hook, link, error, payload)
                raise
            if isinstance(answer, Deferred):
                return answer.addBoth(answered, payload)
            self._tell(hook, link, answer, payload)
            return answer

        def answered(answer: object, payload: object) -> object:
            self._tell(hook, link, answer.value if isinstance(answer, Failure) else answer, payload)
            return answer

        return handle

    def _tell(self, hook: AnyHook, link: Link | None, answer: object, payload: object) -> None:
        for told in self._watchers.get(hook, ()):
            try:
                told(link, payload, answer)
            except Exception:  # noqa: BLE001 - the net of the hook call: who only watches disturbs nobody
                self._failed(Failure(), hook)


_PLACE = attrgetter("position", "rank")


def _ask(handlers: tuple[Handler, ...], payload: object) -> object:
    for position, handler in enumerate(handlers):
        answer = handler(payload)
        if answer is None:
            continue
        if isinstance(answer, Deferred):
            return ask_behind(answer, handlers[position + 1 :], payload)
        return answer
    return None


def ask_behind(answer: "Deferred[Any]", handlers: tuple[Handler, ...], payload: object) -> "Deferred[Any]":
    """When *answer* is there and is None, ask *handlers*, for those who ask by themselves (`Hooks.by_hook`)."""
    return answer.addCallback(lambda given: given if given is not None else _ask(handlers, payload))
