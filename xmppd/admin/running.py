"""The running server as Twisted's service: what starts after the fork, in which order, and what ends in which.

Start: storage, modules, the control socket, the names of the accounts, then the listeners, whose clients have waited
in the kernel. Stop: the listeners close, every stream gets system-shutdown and its end tag, then the control socket
goes, the storage is flushed, and the data folder is free for the next server.
"""

import gc
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized
from twisted.python.failure import Failure

from xmppd.admin.glibc import trim
from xmppd.core.loader import ModuleError
from xmppd.core.waiting import deferred
from xmppd.net.transport.listen import Listener
from xmppd.storage.interface import Storage, StorageError
from xmppd.storage.lock import DataLock

SWITCH_INTERVAL_S = 0.0005
"""How long a storage thread waits for the interpreter's lock while the reactor is busy; Python's default is ten times
as long and made SQLite's short steps slow."""
GC_THRESHOLDS = (10_000, 50, 100)
"""A session leaves no cycle behind (a test holds that): the collector is a safety net, which must not hold up anybody.
Over 10,000 logins it pauses for 4 ms at most; with Python's (700, 10, 10) for 100 ms, twice, with (50,000, 20, 50) for
20 ms. What came to 500,000 objects more since is looked through once, which takes longer."""
_EXPECTED = (StorageError, ModuleError, OSError)
_FAILED = 1


class Reactor(Protocol):
    """What is used of a reactor."""

    def callLater(
        self,
        delay: float,
        callable: Callable[..., object],  # noqa: A002 - Twisted's name
        *args: object,
        **kw: object,
    ) -> IDelayedCall:
        """Call once, *delay* seconds from now."""

    def callWhenRunning(self, callable: Callable[..., object]) -> object:  # noqa: A002 - Twisted's name
        """Call once the reactor runs."""


class Streams(Protocol):
    """What accepts streams and can end them all."""

    def shutdown(self) -> Deferred[None]:
        """Close every stream with system-shutdown; fires when the last connection is gone."""


class CannotStart(Exception):
    """The server cannot start after the fork; the text is one line."""


class RunningServer(MultiService):
    """Everything that lives from the fork to the end; services added to it start before the listeners."""

    _log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        lock: DataLock,
        storage: Storage,
        *,
        load_modules: Callable[[], None],
        listeners: Sequence[Listener],
        streams: Sequence[Streams],
        shutdown_timeout_s: Callable[[], float],
        load_data: Callable[[], Deferred[None]] = lambda: succeed(None),
        log_observer: ILogObserver | None = None,
        on_ready: Callable[[], object] = lambda: None,
        on_stopping: Callable[[], object] = lambda: None,
        is_daemon: bool = False,
    ) -> None:
        """*load_data* reads what must be known before anybody is let in.

        *log_observer* takes the place of twistd's own. *lock* is held already. *on_ready* is called when clients are
        let in, *on_stopping* when the end begins.
        """
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self.listeners = tuple(listeners)
        self._reactor = reactor
        self._lock = lock
        self._storage = storage
        self._load_modules = load_modules
        self._load_data = load_data
        self._is_stopping = False
        self._streams = tuple(streams)
        self._shutdown_timeout_s = shutdown_timeout_s
        self._log_observer = log_observer
        self._on_ready, self._on_stopping = on_ready, on_stopping
        self._is_daemon = is_daemon
        self._hurried: Deferred[None] = Deferred()
        self._is_accepting = False

    def setServiceParent(self, parent: object) -> None:
        """Join twistd's application, and tell it who writes the log: it asks for that before it forks."""
        if self._log_observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._log_observer)
        MultiService.setServiceParent(self, parent)

    def obstacles(self) -> list[str]:
        """Say why nobody is let in, or nothing can be kept of what they send; nothing where all is well."""
        found = []
        if self._is_stopping:
            found.append("the server is stopping")
        elif not self._is_accepting:
            found.append("the server is starting")
        if self._storage.fault is not None:
            found.append(str(self._storage.fault))
        elif self._storage.is_full:
            found.append("the storage is behind: more waits to be written than may")
        return found

    def startService(self) -> None:
        """Start all, in order; in a process of its own by now, if twistd has forked."""
        try:
            self._start()
        except Exception as error:  # noqa: BLE001 - whatever it is, the shell must not wait for an answer for ever
            self._fail(error)

    def hurry(self) -> None:
        """Wait for no client any more: the operator has asked twice."""
        if not self._hurried.called:
            self._hurried.callback(None)

    @deferred
    async def stopService(self) -> None:
        """End all, in order; fires when all that was acknowledged is on disk and the data folder is free."""
        self._is_stopping = True
        self._on_stopping()
        for listener in self.listeners:
            listener.stop_accepting()
        await self._end_streams()
        await MultiService.stopService(self)
        await self._storage.stop()
        self._lock.release()
        self._log.info("Stopped")

    def _start(self) -> None:
        self._lock.write_pid()
        self._storage.start()
        self._load_modules()
        MultiService.startService(self)
        self._load_data().addErrback(self._not_loaded).addCallback(self._accept)
        _tune_interpreter()

    def _not_loaded(self, failure: Failure) -> None:
        """Who needs it reads it again; those that come meanwhile hear that it does not work now."""
        if self._is_stopping:
            return  # it was asked to stop before it had read them
        self._log.failure("The data cannot be read", failure)

    def _accept(self, _: None) -> None:
        if self._is_stopping:
            return
        for listener in self.listeners:
            listener.startService()
        self._is_accepting = True
        self._reactor.callWhenRunning(self._tell_ready)

    def _tell_ready(self) -> None:
        """Whoever hears of it may send signals: they find our handlers."""
        self._log.info("Ready")
        self._on_ready()

    def _fail(self, error: Exception) -> None:
        """Say in one line why there is no server: twistd tells a daemon's shell what an exception says, and would hang
        it on SystemExit; without a daemon it would show a traceback."""
        line = f"xmppd: cannot start: {error}"
        if not isinstance(error, _EXPECTED):
            self._log.failure("The server cannot start")
        if self._is_daemon:
            raise CannotStart(line) from error
        print(line, file=sys.__stderr__)  # the other one is the log's by now
        raise SystemExit(_FAILED) from error

    async def _end_streams(self) -> None:
        ended = DeferredList([streams.shutdown() for streams in self._streams], consumeErrors=True)
        ended.addCallback(lambda _: self.hurry())
        timeout = self._reactor.callLater(self._shutdown_timeout_s(), self.hurry)
        await self._hurried
        if timeout.active():
            timeout.cancel()


def _tune_interpreter() -> None:
    """Once all that stays is there: keep the collector away from it, and give back what starting has left over."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    trim()  # the rest of what was read and thrown away, half a megabyte
