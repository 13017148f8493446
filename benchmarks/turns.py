"""xmppd with a clock in its reactor: how much CPU each turn takes, so how long everybody else waits for one.

``python -m benchmarks.turns FILE …`` runs ``xmppd …``. On SIGUSR1 it writes to FILE what was seen since the last time,
as JSON, and begins anew. The clock is the thread's CPU time: what others do on the machine does not count.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import xmppd.net.transport.reactor
from xmppd.admin.launch import main

LONG_S = 0.02
MS_A_SECOND = 1e3


class Turns:
    """What is noted of the turns since the last report."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.thread_time) -> None:
        self._file = file
        self._clock = clock
        self._began: float | None = None
        """When this turn began; nothing before the first one, which begins when the server accepts."""
        self._count = self._long = 0
        self._longest_s = 0.0

    def next(self) -> None:
        """A turn is over, and the next begins."""
        now = self._clock()
        began, self._began = self._began, now
        if began is None:
            return
        took_s = now - began
        self._count += 1
        self._longest_s = max(self._longest_s, took_s)
        if took_s > LONG_S:
            self._long += 1

    def report(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Write what was noted, and forget it; in the middle of a turn, which then counts for the next report."""
        noted = {"longest_ms": self._longest_s * MS_A_SECOND, "long": self._long, "turns": self._count}
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(noted))
        os.replace(fresh, self._file)
        self._count = self._long = 0
        self._longest_s = 0.0


def measured(turns: Turns) -> type[Any]:
    """Give the server's reactor with a clock."""

    class MeasuredReactor(xmppd.net.transport.reactor.XmppdReactor):
        """Notes each turn."""

        def runUntilCurrent(self) -> None:
            """A turn begins with what is due."""
            turns.next()
            super().runUntilCurrent()

    return MeasuredReactor


def run(file: str, arguments: list[str]) -> None:
    """Run the server."""
    turns = Turns(Path(file))
    signal.signal(signal.SIGUSR1, turns.report)
    xmppd.net.transport.reactor.XmppdReactor = measured(turns)  # type: ignore[misc]  # what its ``install`` will take
    main(arguments)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2:])
