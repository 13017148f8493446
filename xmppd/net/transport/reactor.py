"""A reactor for many small messages: epoll with a lean loop, one flush at the end of each batch, monotonic time.

Everything else is Twisted's epoll reactor: descriptors, ports, processes, signals and threads work unchanged. What
the lean loop leaves out is the log context of each event. Where there is no epoll, ``install`` takes Twisted's default.
"""

import select
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from twisted.internet import default
from twisted.internet.interfaces import IReadWriteDescriptor
from twisted.internet.main import installReactor
from twisted.logger import Logger

from xmppd.core.shrink import shrink
from xmppd.net.transport.flush import FlushQueue

EVENTS_PER_BATCH: Final = 512
BATCH_BUDGET_S: Final = 0.005
"""After that long the rest of a batch waits for the next: the poller reports it again, and it is served first."""

log = Logger()

if hasattr(select, "epoll"):
    from select import EPOLLIN, EPOLLOUT

    from twisted.internet.epollreactor import EPollReactor

    class XmppdReactor(EPollReactor):
        """Twisted's epoll reactor with a lean loop; ``flush_queue`` is flushed after each batch of events."""

        seconds = staticmethod(monotonic)

        def __init__(self) -> None:
            self.flush_queue = FlushQueue()
            self._ranks: dict[int, int] = {}
            self._may_sleep = True
            super().__init__()  # type: ignore[no-untyped-call]  # Twisted's

        def runUntilCurrent(self) -> None:
            """Run the timed calls and those from threads, and send what they wrote before we sleep."""
            super().runUntilCurrent()
            if self.flush_queue.is_waiting:
                self.flush_queue.flush()

        def callFromThread(self, f: Callable[..., Any], *args: object, **kwargs: object) -> None:
            """Run *f* in the reactor's thread; that is woken only while it may sleep, since waking is dear."""
            self.threadCallQueue.append((f, args, kwargs))
            if self._may_sleep:
                self.wakeUp()

        def timeout(self) -> float | None:
            """How long we may sleep: not at all while somebody waits to be flushed."""
            return 0.0 if self.flush_queue.is_waiting else super().timeout()

        def doPoll(self, timeout: float | None) -> None:
            """Wait for events, hand out a batch of them, and flush."""
            self._may_sleep = True  # before the look at the queue: a call that is not seen now wakes us
            if self.threadCallQueue:
                timeout = 0.0
            try:
                events = self._poller.poll(-1 if timeout is None else timeout, EVENTS_PER_BATCH)
            except InterruptedError:
                return
            self._may_sleep = False
            if self._ranks:
                ranks, self._ranks = self._ranks, {}
                events.sort(key=lambda one: ranks.get(one[0], EVENTS_PER_BATCH))
            descriptors = self._selectables
            deadline = monotonic() + BATCH_BUDGET_S
            for fd, event in events:
                descriptor = descriptors.get(fd)
                if descriptor is None:  # gone by what happened earlier in this batch
                    continue
                try:
                    if event == EPOLLIN and descriptor.fileno() == fd:
                        why = descriptor.doRead()
                    elif event == EPOLLOUT and descriptor.fileno() == fd:
                        why = descriptor.doWrite()
                    else:
                        why = None
                        self._doReadOrWrite(descriptor, fd, event)  # type: ignore[no-untyped-call]
                except BaseException as error:  # noqa: BLE001 - Twisted's rule: this connection alone is lost
                    log.failure("an event handler failed")
                    why = error
                if why:
                    self._give_up(descriptor, why, is_read=event == EPOLLIN)
                    why = None  # its traceback holds this frame, and what is lost with it
                if monotonic() > deadline:
                    self._ranks = _rotated(fd, events)
                    break
            self.flush_queue.flush()

        doIteration = doPoll

        def release_memory(self) -> None:
            """Take no more memory than the descriptors that are there need."""
            shrink(self._selectables, self._reads, self._writes)

        def _give_up(self, descriptor: IReadWriteDescriptor, why: Any, is_read: bool) -> None:
            try:
                self._disconnectSelectable(descriptor, why, is_read)  # type: ignore[no-untyped-call]
            except Exception:  # noqa: BLE001 - as above
                log.failure("an event handler failed at the end of its connection")


def _rotated(last: int, events: list[tuple[int, int]]) -> dict[int, int]:
    """The rank of each descriptor in the next batch: who stood behind *last* comes first.

    Without it those in front, where they always have something again, would be served in every batch, and who is
    behind them never: the poller keeps its order.
    """
    fds = [fd for fd, _ in events]
    served = fds.index(last) + 1
    return {fd: rank for rank, fd in enumerate(fds[served:] + fds[:served])}


def install() -> None:
    """Make this the process's reactor; Twisted's default one where there is no epoll."""
    if hasattr(select, "epoll"):
        installReactor(XmppdReactor())
    else:
        log.info("this system has no epoll: running on Twisted's default reactor")
        default.install()
