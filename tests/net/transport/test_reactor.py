"""Our reactor: the lean loop serves Twisted's own descriptors too, flushes after each batch, and is fair."""

import gc
import operator
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from typing import Any
from unittest import skipUnless

from twisted.internet import default
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import ClientFactory, Factory, Protocol
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.transport import reactor as reactor_module
from xmppd.net.transport.reactor import BATCH_BUDGET_S, install

HAS_EPOLL = hasattr(select, "epoll")
TIMEOUT_S = 10


class Descriptor:
    """One end of a socket pair, readable from the start."""

    def __init__(self, reactor: Any, action: Any = None) -> None:
        self.sock, self.other = socket.socketpair()
        self.sock.setblocking(False)
        self.other.send(b"x")
        self.reads = 0
        self.lost: Failure | None = None
        self.reactor = reactor
        self._action = action
        reactor.addReader(self)

    def fileno(self) -> int:
        """The descriptor."""
        return self.sock.fileno()

    def doRead(self) -> Any:
        """Read, and do what the test wants; what that gives ends the connection."""
        self.sock.recv(100)
        self.reads += 1
        return self._action() if self._action is not None else None

    def connectionLost(self, reason: Failure) -> None:
        """Keep the reason."""
        self.lost = reason
        self.close()

    def logPrefix(self) -> str:
        """A name for logs."""
        return "descriptor"

    def close(self) -> None:
        """Close both ends."""
        self.sock.close()
        self.other.close()


class Recorder:
    """Something to flush."""

    def __init__(self) -> None:
        self.flushes = 0

    def flush(self) -> None:
        """Count."""
        self.flushes += 1

    def connectionLost(self, reason: Failure) -> None:
        """Not expected."""


@skipUnless(HAS_EPOLL, "there is no epoll here")
class ReactorTests(SynchronousTestCase):
    """A reactor of its own for each test, beside the one that runs the tests."""

    def setUp(self) -> None:
        self.reactor: Any = reactor_module.XmppdReactor()
        self.addCleanup(self.discard)

    def discard(self) -> None:
        """Give back the descriptors."""
        reactor = self.reactor
        for one in reactor.removeAll():
            one.connectionLost(Failure(ConnectionDone()))
        for waker in list(reactor._internalReaders):
            reactor.removeReader(waker)
            waker.connectionLost(None)
        if reactor.threadpool is not None:
            reactor._stopThreadPool()
        reactor._poller.close()

    def run_reactor(self) -> None:
        """Run until a test's part stops it, or it takes too long."""
        late = self.reactor.callLater(TIMEOUT_S, self.reactor.stop)
        self.reactor.run(installSignalHandlers=False)
        self.assertTrue(late.active(), "the reactor had to be stopped")

    def turn(self) -> None:
        """One turn without waiting."""
        self.reactor.iterate(0)

    def test_time_is_monotonic(self) -> None:
        """Timed calls do not follow the wall clock."""
        self.assertIs(type(self.reactor).seconds, time.monotonic)
        called: list[float] = []
        self.reactor.callLater(0.01, lambda: called.append(time.monotonic()))
        self.reactor.callLater(0.02, self.reactor.stop)
        start = time.monotonic()
        self.run_reactor()
        self.assertGreaterEqual(called[0] - start, 0.01)

    def test_calls_from_threads(self) -> None:
        """A sleeping reactor wakes for callFromThread."""
        thread = threading.Timer(0.02, lambda: self.reactor.callFromThread(self.reactor.stop))
        self.reactor.callWhenRunning(thread.start)
        self.run_reactor()
        thread.join()

    def test_who_is_awake_is_not_woken(self) -> None:
        """A call that comes while a batch is handed out leaves the waker alone, and is run before the next sleep."""
        called: list[str] = []
        woken: list[str] = []
        self.turn()
        wake_up = self.reactor.wakeUp

        def call_from_thread() -> None:
            self.reactor.wakeUp = lambda: woken.append("for nothing")
            self.reactor.callFromThread(called.append, "from a thread")
            self.reactor.wakeUp = wake_up

        Descriptor(self.reactor, call_from_thread)
        self.reactor.doPoll(TIMEOUT_S)
        self.assertEqual((called, woken), ([], []))
        start = time.monotonic()
        self.reactor.doPoll(TIMEOUT_S)  # nothing else is going to happen
        self.assertLess(time.monotonic() - start, TIMEOUT_S)
        self.turn()
        self.assertEqual(called, ["from a thread"])

    def test_threads(self) -> None:
        """The thread pool works, and gives its result in our thread."""
        results: list[object] = []

        def done(is_good: bool, result: object) -> None:
            results.extend([is_good, result, threading.current_thread() is threading.main_thread()])
            self.reactor.stop()

        self.reactor.callWhenRunning(
            lambda: self.reactor.getThreadPool().callInThreadWithCallback(
                lambda *result: self.reactor.callFromThread(done, *result), lambda: 7
            )
        )
        self.run_reactor()
        self.assertEqual(results, [True, 7, True])

    def test_stock_ports_and_connections(self) -> None:
        """listenTCP and connectTCP of Twisted work unchanged."""
        got = bytearray()
        reactor = self.reactor

        class Echo(Protocol):
            def dataReceived(self, data: bytes) -> None:
                assert self.transport is not None
                self.transport.write(data)
                self.transport.loseConnection()

        class Client(Protocol):
            def connectionMade(self) -> None:
                assert self.transport is not None
                self.transport.write(b"hello")

            def dataReceived(self, data: bytes) -> None:
                got.extend(data)

            def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
                reactor.stop()

        server: Factory[Any] = Factory.forProtocol(Echo)
        client: Any = ClientFactory.forProtocol(Client)
        server.noisy = client.noisy = False
        port = reactor.listenTCP(0, server, interface="127.0.0.1")
        reactor.connectTCP("127.0.0.1", port.getHost().port, client)
        self.run_reactor()
        self.assertEqual(bytes(got), b"hello")

    def test_flush_after_a_batch(self) -> None:
        """What the events of a batch wrote is flushed once, after the last of them."""
        recorder = Recorder()
        seen: list[int] = []

        def write() -> None:
            seen.append(recorder.flushes)
            self.reactor.flush_queue.add(recorder)

        for _ in range(3):
            Descriptor(self.reactor, write)
        self.turn()
        self.assertEqual((seen, recorder.flushes), ([0, 0, 0], 3))

    def test_flush_after_timed_calls(self) -> None:
        """What a timed call wrote leaves before the reactor sleeps."""
        recorder = Recorder()
        self.reactor.callLater(0, self.reactor.flush_queue.add, recorder)
        self.reactor.runUntilCurrent()
        self.assertEqual(recorder.flushes, 1)

    def test_no_sleep_while_somebody_waits(self) -> None:
        """What is left in the queue keeps the reactor awake."""
        self.reactor.callLater(5, lambda: None)
        self.assertGreater(self.reactor.timeout(), 1)
        self.reactor.flush_queue.add(Recorder())
        self.assertEqual(self.reactor.timeout(), 0)

    def test_an_error_costs_one_connection(self) -> None:
        """It is logged with its traceback; the others are served."""
        self.patch(
            reactor_module, "monotonic", lambda: 0.0
        )  # to write a traceback may take longer than a batch may
        bad = Descriptor(self.reactor, lambda: {}["missing"])  # type: ignore[index]
        good = Descriptor(self.reactor)
        self.turn()
        assert bad.lost is not None
        self.assertEqual((bad.lost.type, good.reads, good.lost), (KeyError, 1, None))
        (logged,) = self.flushLoggedErrors(KeyError)
        self.assertIn("doRead", logged.getTraceback())

    def test_an_error_in_connection_lost(self) -> None:
        """That too is only logged."""
        self.patch(
            reactor_module, "monotonic", lambda: 0.0
        )  # to write a traceback may take longer than a batch may
        bad = Descriptor(self.reactor, ConnectionDone)
        bad.connectionLost = lambda reason: {}["missing"]  # type: ignore[method-assign,index]
        good = Descriptor(self.reactor)
        self.turn()
        self.assertEqual((good.reads, len(self.flushLoggedErrors(KeyError))), (1, 1))
        bad.close()

    def test_a_reason_ends_the_connection(self) -> None:
        """doRead may return why it is over, as Twisted's descriptors do."""
        one = Descriptor(self.reactor, ConnectionDone)
        self.turn()
        assert one.lost is not None
        self.assertIs(one.lost.type, ConnectionDone)
        self.assertNotIn(one, self.reactor.getReaders())

    def test_gone_in_the_same_batch(self) -> None:
        """An event of a descriptor that another handler took away is dropped."""
        others: list[Descriptor] = []

        def remove() -> None:
            for other in others:
                if other.reads == 0:
                    self.reactor.removeReader(other)

        others.extend(Descriptor(self.reactor, remove) for _ in range(3))
        self.turn()
        self.assertEqual(sum(other.reads for other in others), 1)
        for other in others:
            self.reactor.removeReader(other)
            other.close()

    def test_a_long_batch_is_cut(self) -> None:
        """After the time is up timers and flushes come first; the rest is served next, nobody twice before all."""
        now = [0.0]
        self.patch(reactor_module, "monotonic", lambda: now[0])

        def work() -> None:
            now[0] += BATCH_BUDGET_S * 0.6

        others = [Descriptor(self.reactor, work) for _ in range(6)]
        served = []
        for _ in range(3):
            self.turn()
            served.append(sum(other.reads for other in others))
        self.assertEqual((served, [other.reads for other in others]), ([2, 4, 6], [1] * 6))

    def test_who_always_has_more_does_not_starve_others(self) -> None:
        """Two that fill the time of each batch and are ready again in the next: the others have their turns too."""
        now = [0.0]
        self.patch(reactor_module, "monotonic", lambda: now[0])

        def work() -> None:
            now[0] += BATCH_BUDGET_S * 0.6

        others = [Descriptor(self.reactor, work) for _ in range(5)]
        for other in others:
            other.other.send(bytes(10_000))
        for _ in range(5):
            self.turn()
        self.assertEqual([other.reads for other in others], [2] * 5)

    def test_an_error_leaves_nothing_for_the_collector(self) -> None:
        """Who failed is gone as soon as the batch is over, though the error's traceback holds the loop's frame."""

        class Held:
            """In a frame of the handler that fails."""

        references = []

        def fail() -> None:
            held = Held()
            references.append(weakref.ref(held))
            raise KeyError

        bad = Descriptor(self.reactor, fail)
        bad.connectionLost = lambda reason: bad.close()  # type: ignore[method-assign]
        self.patch(globalLogPublisher, "_observers", [])  # one that remembers events holds their failures
        gc.disable()
        self.addCleanup(gc.enable)
        self.turn()
        self.assertIsNone(references[0]())


class RestTests(SynchronousTestCase):
    """What is left of many descriptors."""

    def test_descriptors_stay(self) -> None:
        """Those that are there go on; the tables are the same objects."""
        reactor: Any = reactor_module.XmppdReactor()
        self.addCleanup(reactor._poller.close)
        tables = reactor._selectables, reactor._reads, reactor._writes
        before = reactor.getReaders()
        reactor.release_memory()
        self.assertEqual(reactor.getReaders(), before)
        self.assertTrue(
            all(map(operator.is_, tables, (reactor._selectables, reactor._reads, reactor._writes)))
        )
        for waker in list(reactor._internalReaders):
            reactor.removeReader(waker)
            waker.connectionLost(None)


class InstallTests(SynchronousTestCase):
    """Which reactor is installed."""

    def test_without_epoll(self) -> None:
        """Twisted's default is installed."""
        installed: list[bool] = []
        self.patch(reactor_module, "select", object())
        self.patch(default, "install", lambda: installed.append(True))
        install()
        self.assertEqual(installed, [True])


CHILD = """
import sys
import twisted.plugins.xmppd_plugin
assert "twisted.internet.reactor" not in sys.modules
from twisted.application.reactors import installReactor
reactor = installReactor("xmppd")
from twisted.internet.protocol import ProcessProtocol
class Child(ProcessProtocol):
    def outReceived(self, data):
        print(data.decode().strip(), flush=True)
    def processEnded(self, reason):
        print(reason.type.__name__, flush=True)
        reactor.callLater(10, reactor.stop)
reactor.callWhenRunning(reactor.spawnProcess, Child(), "/bin/echo", ["echo", "hello"])
reactor.addSystemEventTrigger("before", "shutdown", print, "stopping")
print(type(reactor).__name__, flush=True)
reactor.run()
"""


@skipUnless(HAS_EPOLL, "there is no epoll here")
class ProcessTests(SynchronousTestCase):
    """A process whose reactor is ours."""

    def test_plugin_processes_and_signals(self) -> None:
        """The plugin loads no reactor by itself; child processes are reaped; SIGTERM stops cleanly."""
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.addCleanup(child.kill)
        with child:
            assert child.stdout is not None
            lines = [child.stdout.readline().strip() for _ in range(3)]
            child.send_signal(signal.SIGTERM)
            lines.append(child.stdout.read().strip())
        self.assertEqual(lines, ["XmppdReactor", "hello", "ProcessDone", "stopping"])
