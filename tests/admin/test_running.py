"""What starts and ends in which order."""

import gc
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any, cast

from twisted.application.service import Application, IService, Service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import ILogObserver
from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.running import CannotStart, RunningServer
from xmppd.core.log import LogWriter
from xmppd.net.transport.listen import Listener
from xmppd.storage.interface import StorageFailed
from xmppd.storage.lock import DataLock
from xmppd.storage.memory import MemoryStorage


class FakeReactor(Clock):
    """Time, and a reactor that runs as soon as it is asked."""

    def callWhenRunning(self, callable: Callable[..., Any]) -> None:  # noqa: A002 - Twisted's name
        """Call it."""
        callable()


class Part:
    """Notes what is asked of it, whatever that is."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name = name
        self.seen = seen

    def __getattr__(self, asked: str) -> Any:
        return lambda: self.seen.append(f"{self.name}.{asked}")


class Storage(MemoryStorage):
    """Notes its beginning and its end."""

    def __init__(self, seen: list[str]) -> None:
        super().__init__()
        self.seen = seen

    def start(self) -> None:
        """Note it."""
        self.seen.append("storage.start")

    def stop(self) -> Deferred[None]:
        """Note it."""
        self.seen.append("storage.stop")
        return super().stop()


class Streams:
    """Streams that end when the test says so."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen
        self.ended: Deferred[None] = Deferred()

    def shutdown(self) -> Deferred[None]:
        """Note it."""
        self.seen.append("streams.shutdown")
        return self.ended


class Control(Service):
    """Some service between the storage and the listeners."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen

    def startService(self) -> None:
        """Note it."""
        self.seen.append("control.start")

    def stopService(self) -> None:
        """Note it."""
        self.seen.append("control.stop")


class RunningTests(SynchronousTestCase):
    """A server of which every part is a fake."""

    def setUp(self) -> None:
        self.seen: list[str] = []
        self.clock = FakeReactor()
        self.lock = DataLock(temporary_folder(self))
        self.lock.acquire()
        self.addCleanup(self.lock.release)
        self.streams = Streams(self.seen)
        self.storage = Storage(self.seen)
        for name in ("freeze", "collect", "set_threshold"):
            self.patch(gc, name, lambda *args: None)
        self.patch(sys, "setswitchinterval", lambda seconds: None)
        self.data: Deferred[None] = succeed(None)
        self.server = self.make()

    def make(self, is_daemon: bool = False, observer: LogWriter | None = None) -> RunningServer:
        """Give one that has not started."""
        server = RunningServer(
            self.clock,
            self.lock,
            self.storage,
            load_modules=lambda: self.seen.append("modules"),
            listeners=[cast(Listener, Part("listener", self.seen))],
            streams=[self.streams],
            shutdown_timeout_s=lambda: 5.0,
            load_data=lambda: self.data,
            log_observer=observer,
            is_daemon=is_daemon,
        )
        control: IService = Control(self.seen)
        server.addService(control)  # type: ignore[no-untyped-call]
        return server

    def test_start(self) -> None:
        """Storage first, clients last: they find everything there."""
        self.server.startService()
        self.assertEqual(self.seen, ["storage.start", "modules", "control.start", "listener.startService"])

    def test_nobody_is_let_in_before_the_accounts_are_known(self) -> None:
        """Clients wait in the kernel meanwhile."""
        self.data = Deferred()
        self.server.startService()
        self.assertEqual(self.seen[-1], "control.start")
        self.data.callback(None)
        self.assertEqual(self.seen[-1], "listener.startService")

    def test_obstacles(self) -> None:
        """It is ready while clients are let in and what they send can be kept."""
        self.data = Deferred()
        self.assertEqual(self.server.obstacles(), ["the server is starting"])
        self.server.startService()
        self.assertEqual(self.server.obstacles(), ["the server is starting"])
        self.data.callback(None)
        self.assertEqual(self.server.obstacles(), [])
        self.storage.failing = StorageFailed("the disk is gone")
        self.assertEqual(self.server.obstacles(), ["the disk is gone"])
        self.storage.failing = None
        self.server.stopService()
        self.assertEqual(self.server.obstacles(), ["the server is stopping"])
        self.streams.ended.callback(None)

    def test_accounts_that_cannot_be_read(self) -> None:
        """It is logged, and the server runs: who logs in has them read again."""
        self.data = fail(StorageFailed("the disk"))
        self.server.startService()
        self.assertEqual(self.seen[-1], "listener.startService")
        self.assertEqual(len(self.flushLoggedErrors(StorageFailed)), 1)

    def test_stop_before_the_accounts_are_known(self) -> None:
        """A listener that was closed is not opened again."""
        self.data = Deferred()
        self.server.startService()
        self.server.stopService()
        self.data.callback(None)
        self.assertNotIn("listener.startService", self.seen)
        self.streams.ended.callback(None)

    def test_stop_while_the_accounts_are_read(self) -> None:
        """That they cannot be read then is nothing that the log must tell."""
        self.data = Deferred()
        self.server.startService()
        self.server.stopService()
        self.data.errback(StorageFailed("the storage is stopped"))
        self.assertEqual(self.flushLoggedErrors(StorageFailed), [])
        self.streams.ended.callback(None)

    def test_stop(self) -> None:
        """Listeners first; the storage after the last stream; then the folder is free for another server."""
        self.server.startService()
        self.seen.clear()
        stopped = self.server.stopService()
        self.assertEqual(self.seen, ["listener.stop_accepting", "streams.shutdown"])
        self.assertNoResult(stopped)
        self.streams.ended.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.seen[2:], ["control.stop", "storage.stop"])
        self.assertFalse(self.lock.is_held)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_client_that_does_not_read(self) -> None:
        """It is waited for as long as limits.shutdown_timeout_s says."""
        self.server.startService()
        stopped = self.server.stopService()
        self.clock.advance(4.9)
        self.assertNoResult(stopped)
        self.clock.advance(0.1)
        self.successResultOf(stopped)
        self.streams.ended.callback(None)

    def test_hurry(self) -> None:
        """The operator's second signal ends the waiting, not the flushing."""
        self.server.startService()
        stopped = self.server.stopService()
        self.server.hurry()
        self.server.hurry()
        self.successResultOf(stopped)
        self.assertIn("storage.stop", self.seen)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_start_that_fails_in_the_foreground(self) -> None:
        """promises#one-line-mistakes: one line and status 1; no traceback for what an operator can mend."""
        self.patch(self.storage, "start", self.fail_to_start)
        shown = StringIO()
        self.patch(sys, "__stderr__", shown)
        error = self.assertRaises(SystemExit, self.server.startService)
        self.assertEqual(error.code, 1)
        self.assertEqual(shown.getvalue(), "xmppd: cannot start: the disk is gone\n")

    def test_start_that_fails_in_a_daemon(self) -> None:
        """twistd hangs the shell on SystemExit, and passes on what an exception says."""
        self.patch(self.storage, "start", self.fail_to_start)
        error = self.assertRaises(CannotStart, self.make(is_daemon=True).startService)
        self.assertEqual(str(error), "xmppd: cannot start: the disk is gone")

    def test_start_that_fails_by_our_own_fault(self) -> None:
        """Then the log has the traceback."""
        self.patch(self.storage, "start", lambda: 1 / 0)
        self.assertRaises(CannotStart, self.make(is_daemon=True).startService)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_log_observer_is_twistds(self) -> None:
        """twistd asks the application who writes the log; so nothing is written twice."""
        writer = LogWriter()
        application = Application("xmppd")
        self.make(observer=writer).setServiceParent(application)
        self.assertIs(application.getComponent(ILogObserver), writer)

    def fail_to_start(self) -> None:
        """Fail as a storage does."""
        raise StorageFailed("the disk is gone")
