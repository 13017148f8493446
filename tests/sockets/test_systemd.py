"""A server under something that stands in for systemd: its sockets handed over, its life told, its watchdog fed."""

import os
import select
import signal
import socket
import subprocess
import sys
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.checkout import ROOT
from tests.environment import NET
from tests.sockets.process import PATIENCE_S
from tests.temporary import temporary_folder

STARTER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), WATCHDOG_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-m", "xmppd", "--config", sys.argv[2]])
"""
"""As systemd does between fork and exec."""
HEADER = (
    b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams'>"
)


class SystemdTests(SynchronousTestCase):
    """One life."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notify.close)
        self.notify.bind(str(self.folder / "notify"))
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listening.close)
        config = self.folder / "xmppd.toml"
        config.write_text(
            f'data_dir = "{self.folder / "data"}"\n{NET}[c2s]\ndirect_tls_listen = []\n[hosts."localhost"]\n'
        )
        number = self.listening.fileno()
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTER, str(number), str(config)],
            pass_fds=[number],
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "NOTIFY_SOCKET": str(self.folder / "notify"),
                "WATCHDOG_USEC": "400000",
                "LISTEN_FDS": "1",
                "LISTEN_FDNAMES": "c2s.listen",
            },
        )
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)

    def told(self, wanted: str) -> str:
        """Wait for a datagram with *wanted* in it."""
        deadline = time.monotonic() + PATIENCE_S
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.notify], [], [], left)[0]:
                text = self.notify.recv(4096).decode()
                if wanted in text:
                    return text
        raise AssertionError(f"{wanted} was not told; the process: {self.process.poll()}")

    def test_life(self) -> None:
        """A client that connects before the start is served; a reload, the watchdog and the end are told."""
        with socket.create_connection(self.listening.getsockname(), PATIENCE_S) as client:
            client.sendall(HEADER)
            self.assertIn("STATUS=0 sessions, localhost", self.told("READY=1"))
            self.assertIn(b"<?xml", client.recv(4096))
        self.process.send_signal(signal.SIGHUP)
        reloading = self.told("RELOADING=1")
        begun = int(reloading.rpartition("MONOTONIC_USEC=")[2]) / 1e6
        self.assertLess(abs(time.clock_gettime(time.CLOCK_MONOTONIC) - begun), PATIENCE_S)
        self.told("READY=1")
        self.told("WATCHDOG=1")
        self.process.send_signal(signal.SIGTERM)
        self.told("STOPPING=1")
        self.assertEqual(self.process.wait(PATIENCE_S), 0)
