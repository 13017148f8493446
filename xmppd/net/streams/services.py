"""The parts of the server that client streams work with, whatever carries them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from xmppd.config.limits import Limits
from xmppd.core.host import Hosts
from xmppd.core.log import Hears
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.timers import Timers
from xmppd.services.login.authentication import Authentication
from xmppd.services.login.binding import Binding
from xmppd.stream.features import S, StreamFeature


@dataclass(frozen=True, slots=True)
class StreamServices(Generic[S]):
    """The parts of the server that a client stream works with."""

    hosts: Hosts
    registry: SessionRegistry
    router: Router
    authentication: Authentication
    binding: Binding
    timers: Timers
    now: Callable[[], float]
    """Wall time in seconds since 1970."""
    limits: Callable[[], Limits]
    new_stream_id: Callable[[], str]
    features: tuple[StreamFeature[S], ...]
    """The features of every client stream; modules add theirs by host."""
    hears: Hears
    """Who hears what streams log of each login."""
