"""Stream features as data (RFC 6120 4.3): what each needs, forbids and sets; the order of negotiation falls out.

Covered: which features a stream offers in its state, and who handles a first-level element in that state. What the
handlers do is theirs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from xmppd.stanza.element import Element


class StreamState:
    """What has been reached on a stream: bits of an int (an `enum.Flag` costs a microsecond at each look)."""

    NONE: Final = 0
    SECURE: Final = 1
    AUTHENTICATED: Final = 2
    BOUND: Final = 4
    AUTHENTICATING: Final = 8
    """A SASL2 login goes on (XEP-0388 2.4): nothing else may be sent."""


ElementHandler = Callable[[Any, Element], Any]
"""Takes the stream and the element; gives None, or a Deferred where the next element must wait."""


@dataclass(frozen=True, slots=True)
class StreamFeature:
    """One stream feature: when it is offered, how it looks, and which first-level elements it handles."""

    name: str
    needs: int = StreamState.NONE
    forbids: int = StreamState.NONE
    sets: int = StreamState.NONE
    offer: Callable[[Any], Element | None] = lambda stream: None
    handles: Mapping[tuple[str, str], ElementHandler] = field(default_factory=dict)
    priority: int = 0

    def is_open_in(self, state: int) -> bool:
        """Whether this feature may be offered and used in *state*."""
        return state & self.needs == self.needs and not state & self.forbids


def offered(features: Iterable[StreamFeature], state: int, stream: Any) -> list[Element]:
    """Give the elements to put into ``<stream:features/>`` in *state*, highest priority first."""
    ranked = sorted((feature for feature in features if feature.is_open_in(state)), key=lambda f: -f.priority)
    return [element for element in (feature.offer(stream) for feature in ranked) if element is not None]


def handler_of(features: Iterable[StreamFeature], state: int, ns: str, name: str) -> ElementHandler | None:
    """Give who handles the first-level element ``{ns}name`` in *state*, or None where nobody does."""
    key = (ns, name)
    for feature in features:
        handler = feature.handles.get(key)
        if handler is not None and feature.is_open_in(state):
            return handler
    return None
