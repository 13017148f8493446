"""What the signals of an operator do to the process.

twistd's own handlers would have the process killed by the signal again after a clean stop (status 143), and SIGHUP
without a handler kills. So these take their place.

SIGTERM and SIGINT: stop; a second one: wait for no client any more; a third one: end at once, as a power cut would.
SIGHUP: reload.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Protocol

from twisted.application.service import Service
from twisted.logger import Logger

_FORCED_STATUS = 1


class Reactor(Protocol):
    """What is used of a reactor."""

    def callWhenRunning(self, callable: Callable[..., object]) -> object:  # noqa: A002 - Twisted's name
        """Call once the reactor runs."""

    def callFromThread(self, callable: Callable[..., object]) -> None:  # noqa: A002 - Twisted's name
        """Call in the reactor's thread, and wake it; safe in a signal handler."""

    def stop(self) -> None:
        """Fire the shutdown triggers, then end."""


class Signals(Service):
    """The handlers, and the one way to stop the server, which the control socket takes too.

    A service: from the fork on a signal is not lost, and is obeyed once the reactor runs.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        *,
        hurry: Callable[[], object],
        reload: Callable[[], object],
        end: Callable[[int], object] = os._exit,
    ) -> None:
        """*hurry*: stop waiting for clients; *reload*: read settings anew, raises nothing."""
        self._reactor = reactor
        self._hurry = hurry
        self._reload = reload
        self._end = end
        self._stops = 0

    def startService(self) -> None:
        """Take the signals now, and again in place of the reactor's handlers, which it installs as it starts."""
        Service.startService(self)
        self.install()
        self._reactor.callWhenRunning(self.install)

    def install(self) -> None:
        """Take the signals, now."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)

    def stop(self) -> None:
        """Stop the server; again, to hurry; a third time, to end at once. Returns before anything has happened."""
        self._stops += 1
        if self._stops == 1:
            self._reactor.callFromThread(self._begin)
        elif self._stops == 2:
            self._reactor.callFromThread(self._hurry)
        else:
            self._end(_FORCED_STATUS)

    def _begin(self) -> None:
        self._log.info("Stopping")
        self._reactor.stop()

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop()

    def _on_reload(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self._reload)
