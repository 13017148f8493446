"""Small reads on the reactor's own thread, while the disk is quick: decision 0007.

Waking a thread, and waiting for the interpreter at each step of SQLite, takes many times as long as to find a value
that is in memory already. What may take long is left to the threads: a statement of many steps, everything for a while
after a read that was slow, and all that would take more than `SHARE_S` of any `SPAN_S`. Slow is a read that had to
wait: one during which the processor was given to somebody else says nothing of the disk, and on a busy machine, where
threads cost the most, there are many of those.
"""

import sqlite3
from collections.abc import Callable
from resource import RUSAGE_THREAD, getrusage
from time import monotonic
from typing import Final, TypeVar

T = TypeVar("T")

STEPS: Final = 2_000
"""Steps of SQLite's machine, some ten a row; a statement that takes twice as many is a thread's."""
SPAN_S: Final = 0.01
SHARE_S: Final = 0.004
"""Of each span so much may be spent on reading."""
SLOW_S: Final = 0.004
"""A read that takes longer, and in which the thread has waited for something, had to wait for the disk."""
REST_S: Final = 10.0
"""So long all is left to the threads then."""
NEVER: Final = float("inf")


class NotDirect(Exception):
    """This read is for a thread; if the reason is an error, the thread will meet it and tell."""


def waits_of_this_thread() -> int:
    """How often the calling thread has waited for anything; that it was put off the processor does not count."""
    return getrusage(RUSAGE_THREAD).ru_nvcsw


class DirectReads:
    """A connection of the reactor's thread, and the judgement whether to use it."""

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        now: Callable[[], float] = monotonic,
        waits: Callable[[], int] = waits_of_this_thread,
    ) -> None:
        """*connect* is called in the reactor's thread; the connection must not wait for a lock.

        *waits* counts how often that thread has waited. It is asked once a span, since it costs a tenth of a read.
        """
        self._connect = connect
        self._now = now
        self._waits = waits
        self._waits_before = 0
        self._connection: sqlite3.Connection | None = None
        self._rounds = 0
        self._span_ends = self._spent_s = 0.0
        self._rests_until = NEVER

    def start(self) -> None:
        """From now on reads may be direct; after the fork."""
        self._rests_until = 0.0

    def stop(self) -> None:
        """From now on none is."""
        self._rests_until = NEVER
        self.release_memory()

    def release_memory(self) -> None:
        """Let go of what was read; the next read opens another connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, work: Callable[..., T], *arguments: object) -> T:
        """The result of ``work(connection, *arguments)``, at once. Raises `NotDirect`."""
        began = self._now()
        if began >= self._span_ends:
            self._span_ends, self._spent_s = began + SPAN_S, 0.0
            self._waits_before = self._waits()
        if began < self._rests_until or self._spent_s > SHARE_S:
            raise NotDirect
        self._rounds = 0
        try:
            return work(self._connection or self._connected(), *arguments)
        except Exception as error:  # whatever it is, a thread meets it again and hands it to who asked
            raise NotDirect from error
        finally:
            took_s = self._now() - began
            self._spent_s += took_s
            if took_s > SLOW_S and self._waits() != self._waits_before:
                self._rests_until = began + REST_S

    def _connected(self) -> sqlite3.Connection:
        self._connection = self._connect()
        self._connection.set_progress_handler(self._is_long, STEPS)
        return self._connection

    def _is_long(self) -> bool:
        """Called each `STEPS`, which are counted on from read to read: the first time in one read tells nothing."""
        self._rounds += 1
        return self._rounds > 1
