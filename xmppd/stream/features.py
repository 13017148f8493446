"""Stream features as data (RFC 6120 4.3): what each needs, forbids and sets; the order of negotiation falls out.

Covered: which features a stream offers in its state, and who handles a first-level element in that state. What the
handlers do is theirs; what has been reached is not: a handler tells its stream that a feature is negotiated, or that
the attempt has failed, and the stream alone changes its state, by `after` and `without`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, Generic, Never, TypeVar

from xmppd.stanza.element import Element

S = TypeVar("S", contravariant=True)
"""What a feature asks of a stream: a `typing.Protocol`."""


class StreamKind:
    """Whose stream it is: bits of an int, so that a feature can be for several."""

    C2S: Final = 1
    S2S: Final = 2
    COMPONENT: Final = 4


class StreamState:
    """What has been reached on a stream: bits of an int (an `enum.Flag` costs a microsecond at each look)."""

    NONE: Final = 0
    SECURE: Final = 1
    AUTHENTICATED: Final = 2
    BOUND: Final = 4
    AUTHENTICATING: Final = 8
    """A SASL2 login goes on (XEP-0388 2.4): nothing else may be sent."""


ElementHandler = Callable[[S, Element], object]
"""Takes the stream and the element; gives a Deferred where the next element must wait, else nothing of interest."""


@dataclass(frozen=True, slots=True, eq=False)
class StreamFeature(Generic[S]):
    """One stream feature: for whom, when it is offered, how it looks, and which first-level elements it handles.

    It is equal to itself alone.
    """

    name: str
    needs: int = StreamState.NONE
    forbids: int = StreamState.NONE
    sets: int = StreamState.NONE
    """What is reached once it is negotiated."""
    ends: int = StreamState.NONE
    """What no longer holds then."""
    kinds: int = StreamKind.C2S
    """The kinds of streams that have it."""
    offer: Callable[[S], Element | None] = lambda stream: None
    handles: Mapping[tuple[str, str], ElementHandler[S]] = field(default_factory=dict)
    priority: int = 0

    def is_open_in(self, state: int) -> bool:
        """Whether this feature may be offered and used in *state*."""
        return state & self.needs == self.needs and not state & self.forbids

    def after(self, state: int) -> int:
        """Give the state behind *state* once this feature is negotiated."""
        return state & ~self.ends | self.sets

    def without(self, state: int) -> int:
        """Give *state* without what this feature has set: it has come to nothing after all."""
        return state & ~self.sets


AnyFeature = StreamFeature[Never]
"""A feature of no matter which streams."""
_PRIORITY = attrgetter("priority")
OPEN_KEPT: Final = 32
"""For so many sets of features, kinds and states it is kept what is open; a host has six of them or so."""


def offered(features: tuple[StreamFeature[S], ...], kind: int, state: int, stream: S) -> list[Element]:
    """Give what a stream of *kind* puts into ``<stream:features/>`` in *state*, highest priority first."""
    ranked: tuple[StreamFeature[S], ...] = _open_in(features, kind, state)
    return [element for feature in ranked if (element := feature.offer(stream)) is not None]


def handler_of(
    features: Iterable[StreamFeature[S]], kind: int, state: int, ns: str, name: str
) -> ElementHandler[S] | None:
    """Give who handles the element ``{ns}name`` on a stream of *kind* in *state*, or None where nobody does."""
    key = (ns, name)
    for feature in features:
        handler = feature.handles.get(key)
        if handler is not None and feature.kinds & kind and feature.is_open_in(state):
            return handler
    return None


@lru_cache(maxsize=OPEN_KEPT)
def _open_in(features: tuple[AnyFeature, ...], kind: int, state: int) -> tuple[Any, ...]:
    """Those of *features* that a stream of *kind* has in *state*, highest priority first."""
    ranked = [feature for feature in features if feature.kinds & kind and feature.is_open_in(state)]
    return tuple(sorted(ranked, key=_PRIORITY, reverse=True))
