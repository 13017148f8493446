"""Tells systemd how the server fares: sd_notify(3), which is a datagram with lines ``NAME=value``.

READY once clients are let in, RELOADING and READY around each reload (``Type=notify-reload``), STOPPING, a STATUS for
``systemctl status``, and WATCHDOG from the event loop: one that hangs is restarted. Without ``$NOTIFY_SOCKET`` nothing
is said.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

STATUS_S: Final = 10.0
"""How often the status is told."""
_MICROSECONDS: Final = 1_000_000


class Notifier(Service):
    """What is told; a service, since the watchdog waits from the start to the very end."""

    def __init__(
        self,
        env: Mapping[str, str],
        clock: IReactorTime,
        status: Callable[[], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """*status* gives a line for people."""
        path = env.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._watchdog_s = _watchdog_s(env)
        self._status = status
        self._monotonic = monotonic
        self._feeding, self._telling = LoopingCall(self._feed), LoopingCall(self._tell)
        self._feeding.clock = self._telling.clock = clock
        self._is_ready = False

    def startService(self) -> None:
        """The event loop is about to run: its watchdog is fed, at half the time that it waits."""
        Service.startService(self)
        if self._address:
            self._telling.start(STATUS_S, now=False)
            if self._watchdog_s is not None:
                self._feeding.start(self._watchdog_s / 2)

    def stopService(self) -> None:
        """All is done."""
        Service.stopService(self)
        for call in (self._feeding, self._telling):
            if call.running:
                call.stop()

    def ready(self) -> None:
        """Clients are let in; or a reload is over."""
        self._is_ready = True
        self._send("READY=1", f"STATUS={self._status()}")

    def reloading(self) -> None:
        """Settings are read anew; `ready` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(self._monotonic() * _MICROSECONDS)}")

    def stopping(self) -> None:
        """The end has begun."""
        self._is_ready = False
        self._send("STOPPING=1", "STATUS=Saying goodbye")

    def _feed(self) -> None:
        self._send("WATCHDOG=1")

    def _tell(self) -> None:
        if self._is_ready:
            self._send(f"STATUS={self._status()}")

    def _send(self, *lines: str) -> None:
        """Nobody waits for it; where it cannot be told the server goes on."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            with suppress(OSError):
                sock.sendto("\n".join(lines).encode(), self._address)


def _watchdog_s(env: Mapping[str, str]) -> float | None:
    """After how many seconds without a word this process is taken for dead; None where nobody watches it."""
    try:
        watched = int(env.get("WATCHDOG_PID") or os.getpid())
        period_s = int(env.get("WATCHDOG_USEC") or 0) / _MICROSECONDS
    except ValueError:
        return None
    return period_s if watched == os.getpid() and period_s > 0 else None
