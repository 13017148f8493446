"""What a server takes from outside: time, threads, randomness; and the configuration that holds now."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from xmppd.config.limits import Limits
from xmppd.config.model import Config
from xmppd.config.options import HostSettings
from xmppd.core.elsewhere import AskWeb, Backend, nobody
from xmppd.core.log import Hears
from xmppd.core.outgoing import Dial, NoNames, Resolver, no_connection
from xmppd.stream.sasl.credentials import ITERATIONS

InThread = Callable[..., Deferred[Any]]
"""Calls a function with arguments in a thread, as `twisted.internet.threads.deferToThread` does."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a server takes from outside; a test gives its own."""

    clock: IReactorTime
    now: Callable[[], float]
    """Wall time in seconds since 1970."""
    in_thread: InThread
    random_text: Callable[[int], str]
    """Gives so many unguessable bytes as URL-safe text."""
    secret: bytes
    """Made once for a data folder; stable decoys come from it."""
    steady: Callable[[], float] | None = None
    """Seconds that no change of the wall clock moves; None where those of *clock* are such."""
    node: str = ""
    """Which of several processes this is, in a few characters; "" for the only one."""
    resolve: Resolver = field(default_factory=NoNames)
    """What knows names: RFC 6120 3.2."""
    backends: Callable[[HostSettings], Backend | None] = lambda host: None
    """Who is asked about the clients of a host, where that is not this server."""
    ask_web: AskWeb = nobody
    """Asks a web server that keeps something for this one."""
    dial: Dial = no_connection
    """What opens connections to other servers."""
    iterations: int = ITERATIONS
    """Of the keys that are kept of a password (RFC 5802 3); fewer where nobody could steal them."""
    hears: Hears = lambda level: True
    """Who hears the log."""

    def own_id(self, size: int) -> str:
        """An unguessable id of what waits in this process for an answer; so many bytes of it are random."""
        return f"{self.node}{self.random_text(size)}"


@dataclass(slots=True)
class CurrentConfiguration:
    """The configuration that holds now: a reload puts another in its place."""

    config: Config

    @property
    def limits(self) -> Limits:
        """The limits of the server as a whole that hold now."""
        return self.config.limits
