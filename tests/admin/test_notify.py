"""What systemd is told, with a datagram socket standing in for it."""

import os
import socket

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.notify import STATUS_S, Notifier


class NotifierTests(SynchronousTestCase):
    """On a clock of the test's."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.path = str(temporary_folder(self) / "notify")

    def notifier(self, address: str | None = None, **env: str) -> Notifier:
        """Give one that has started, with *address* in place of a path."""
        self.socket.bind(address or self.path)
        self.socket.setblocking(False)
        name = address.replace("\0", "@") if address else self.path
        notifier = Notifier({"NOTIFY_SOCKET": name, **env}, self.clock, lambda: "7 sessions", lambda: 12.5)
        notifier.startService()
        return notifier

    def told(self) -> list[str]:
        """Give what was told since the last call, a datagram each."""
        found = []
        try:
            while True:
                found.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return found

    def test_life(self) -> None:
        """Ready, a reload with its time, and the end (sd_notify(3))."""
        notifier = self.notifier()
        self.assertEqual(self.told(), [])
        notifier.ready()
        notifier.reloading()
        notifier.ready()
        notifier.stopping()
        ready = "READY=1\nSTATUS=7 sessions"
        reloading = "RELOADING=1\nMONOTONIC_USEC=12500000"
        self.assertEqual(self.told(), [ready, reloading, ready, "STOPPING=1\nSTATUS=Saying goodbye"])

    def test_status(self) -> None:
        """It follows what happens, from when the server is ready until it stops."""
        notifier = self.notifier()
        self.clock.advance(STATUS_S)
        self.assertEqual(self.told(), [])
        notifier.ready()
        self.told()
        self.clock.advance(STATUS_S)
        self.assertEqual(self.told(), ["STATUS=7 sessions"])
        notifier.stopping()
        self.told()
        self.clock.advance(STATUS_S)
        self.assertEqual(self.told(), [])

    def test_watchdog(self) -> None:
        """It is fed at half its time, until the very end, where it watches this process."""
        notifier = self.notifier(WATCHDOG_USEC="4000000", WATCHDOG_PID=str(os.getpid()))
        self.assertEqual(self.told(), ["WATCHDOG=1"])
        notifier.stopping()
        self.told()
        self.clock.pump([1.0, 1.0, 1.0, 1.0])
        self.assertEqual(self.told(), ["WATCHDOG=1"] * 2)
        notifier.stopService()
        self.clock.advance(10)
        self.assertEqual(self.told(), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_watchdog_of_another_process(self) -> None:
        """Or one that makes no sense: nothing is fed."""
        self.notifier(WATCHDOG_USEC="4000000", WATCHDOG_PID="1")
        Notifier({"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": "soon"}, self.clock, str).startService()
        self.clock.advance(5)
        self.assertEqual(self.told(), [])

    def test_abstract_socket(self) -> None:
        """An address that begins with "@" is an abstract one."""
        notifier = self.notifier(f"\0xmppd-test-{os.getpid()}")
        notifier.reloading()
        self.assertEqual(len(self.told()), 1)

    def test_nobody_listens(self) -> None:
        """Without systemd, or where it is gone, the server goes on."""
        for env in ({}, {"NOTIFY_SOCKET": self.path}):
            notifier = Notifier(env, self.clock, str)
            notifier.startService()
            notifier.ready()
            notifier.stopService()
