"""What signals do, with a reactor that only notes what it is asked."""

import signal
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.signals import Signals


class FakeReactor:
    """Calls at once what is called from a signal handler."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen
        self.when_running: list[Callable[..., Any]] = []

    def callWhenRunning(self, callable: Callable[..., Any]) -> None:  # noqa: A002 - Twisted's name
        """Keep it."""
        self.when_running.append(callable)

    def callFromThread(self, callable: Callable[..., Any]) -> None:  # noqa: A002 - Twisted's name
        """Call it."""
        callable()

    def stop(self) -> None:
        """Note it."""
        self.seen.append("stop")


class SignalTests(SynchronousTestCase):
    """Signals are raised in this very process."""

    def setUp(self) -> None:
        self.seen: list[Any] = []
        self.reactor = FakeReactor(self.seen)
        self.signals = Signals(
            self.reactor,
            hurry=lambda: self.seen.append("hurry"),
            reload=lambda: self.seen.append("reload"),
            end=self.seen.append,
        )
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))

    def test_installed_at_once_and_again_when_the_reactor_runs(self) -> None:
        """The reactor installs its own as it starts: ours are there before it and come after it."""
        before = signal.getsignal(signal.SIGTERM)
        self.signals.startService()
        ours = signal.getsignal(signal.SIGTERM)
        self.assertNotEqual(ours, before)
        signal.signal(signal.SIGTERM, before)
        self.reactor.when_running[0]()
        self.assertEqual(signal.getsignal(signal.SIGTERM), ours)

    def test_stop_hurry_end(self) -> None:
        """One signal stops, two wait for nobody, three end the process, whichever of the two they are."""
        self.signals.install()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(number)
        self.assertEqual(self.seen, ["stop", "hurry", 1])

    def test_hangup_reloads(self) -> None:
        """As often as it comes."""
        self.signals.install()
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        self.assertEqual(self.seen, ["reload", "reload"])

    def test_stop_from_the_control_socket(self) -> None:
        """`xmppctl stop` counts as the first signal."""
        self.signals.install()
        self.signals.stop()
        signal.raise_signal(signal.SIGTERM)
        self.assertEqual(self.seen, ["stop", "hurry"])
