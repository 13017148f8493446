"""An epoll loop for thousands of client connections: readiness to callables, with a hard deadline.

It is not Twisted's reactor on purpose: the client must cost less than what it measures.
"""

import select
import time
from collections.abc import Callable
from typing import Protocol

EVENTS_PER_TURN = 1024
LONGEST_WAIT_S = 0.05
READ = select.EPOLLIN | select.EPOLLRDHUP
READ_WRITE = READ | select.EPOLLOUT


class LoadError(Exception):
    """The load could not be applied as planned: a refused login, a lost connection, a missed deadline."""


class Ready(Protocol):
    """What the loop calls when a descriptor can be read or written."""

    def fileno(self) -> int:
        """Give the descriptor to watch."""
        ...

    def ready(self) -> None:
        """Read and write what can be read and written without waiting."""
        ...


class Loop:
    """Watches descriptors and calls their owners; time limits are absolute (``time.monotonic``)."""

    __slots__ = ("_epoll", "_watched", "deadline")

    def __init__(self, deadline: float) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, Callable[[], None]] = {}
        self.deadline = deadline

    def watch(self, owner: Ready) -> None:
        """Call ``owner.ready`` whenever its descriptor is readable."""
        fd = owner.fileno()
        self._watched[fd] = owner.ready
        self._epoll.register(fd, READ)

    def forget(self, owner: Ready) -> None:
        """Stop watching a descriptor that is about to be closed."""
        fd = owner.fileno()
        if self._watched.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def want_write(self, owner: Ready, wanted: bool) -> None:
        """Also wake the owner when it can be written (or no longer)."""
        self._epoll.modify(owner.fileno(), READ_WRITE if wanted else READ)

    def turn(self, timeout_s: float = LONGEST_WAIT_S) -> int:
        """Wait once and serve what is ready; give how many descriptors were."""
        events = self._epoll.poll(timeout_s, EVENTS_PER_TURN)
        watched = self._watched
        for fd, _ in events:
            ready = watched.get(fd)
            if ready is not None:
                ready()
        return len(events)

    def precise_turn(self, wake_at: float) -> None:
        """Serve what is ready now or before ``wake_at`` (``time.perf_counter``); epoll alone knows only ms."""
        rest_s = wake_at - time.perf_counter()
        if rest_s > 0:
            select.select([self._epoll], [], [], rest_s)
        self.turn(0)

    def run_until(self, is_done: Callable[[], bool], what: str, within_s: float | None = None) -> None:
        """Turn until done; raise LoadError with ``what`` when the time is up."""
        limit = self.deadline
        if within_s is not None:
            limit = min(limit, time.monotonic() + within_s)
        while not is_done():
            self.turn()
            if time.monotonic() > limit:
                raise LoadError(f"{what}: time is up")

    def run_for(self, seconds: float) -> None:
        """Turn for so long, whatever happens."""
        until = time.monotonic() + seconds
        if until > self.deadline:
            raise LoadError("the scenario's time is up")
        while (rest_s := until - time.monotonic()) > 0:
            self.turn(min(rest_s, LONGEST_WAIT_S))

    def settle(self, quiet_s: float = 0.3) -> None:
        """Turn until nothing has arrived for so long."""
        quiet_since = time.monotonic()
        while (now := time.monotonic()) - quiet_since < quiet_s:
            if now > self.deadline:
                raise LoadError("settling: time is up")
            if self.turn(min(quiet_s, LONGEST_WAIT_S)):
                quiet_since = time.monotonic()

    def close(self) -> None:
        """Give the epoll descriptor back."""
        self._watched.clear()
        self._epoll.close()
