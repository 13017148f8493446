"""A component with a queue, and its server, one of which is killed under load: what was acknowledged is read, in order.

``XMPPD_TEST_KILLS`` is how many times; without it twice, the component and the server. Between a component and its
server nothing is counted (XEP-0114), so that a message may come twice which was read just before a kill.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

from twisted.trial.unittest import SynchronousTestCase

from tests.faults.component import GATEWAY
from tests.faults.sender import Sender
from tests.sockets.client import PlainClient
from tests.sockets.process import ServerProcess, environment
from tests.temporary import temporary_folder
from xmppd.testing.client import PASSWORD

KILLS = int(os.environ.get("XMPPD_TEST_KILLS", "2"))
LOAD_S = 1.0
AWAY_S = 0.3
ARRIVAL_S = 20.0
LOOK_S = 0.1
JULIET = "juliet@localhost"
OPTIONS = f"""require_tls = false
allow_plain_without_tls = true
[components]
listen = ["127.0.0.1:0"]
[components."{GATEWAY}"]
secret = "{PASSWORD}"
queue = true
"""


class Side:
    """A server and its component, each in a process of its own."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._server = ServerProcess(folder, OPTIONS, ((JULIET, PASSWORD),))
        self._tell_port()
        self.start_component()

    def client(self, resource: str = "r") -> PlainClient:
        """Give a connected client."""
        return PlainClient(("127.0.0.1", self._server.ports["STARTTLS"]), f"{JULIET}/{resource}", PASSWORD)

    def kill_component(self) -> None:
        """End it as a crash does."""
        self._component.kill()
        self._component.wait()

    def start_component(self) -> None:
        """Start it, after the first time again."""
        command = [sys.executable, "-m", "tests.faults.component", str(self._folder)]
        self._component = subprocess.Popen(command, env=environment())

    def kill_server(self) -> None:
        """The same for the server."""
        self._server.kill()

    def start_server(self) -> None:
        """Start it again; its component finds it."""
        self._server = ServerProcess(self._folder, OPTIONS)
        self._tell_port()

    def read(self) -> list[str]:
        """Give what the component has read so far."""
        notes = self._folder / "read"
        return notes.read_text().split() if notes.exists() else []

    def stop(self) -> None:
        """End both."""
        self.kill_component()
        self._server.stop()

    def _tell_port(self) -> None:
        fresh = self._folder / "port.new"
        fresh.write_text(str(self._server.ports["component"]))
        fresh.rename(self._folder / "port")


class ComponentsKilledTests(SynchronousTestCase):
    """SIGKILL, at a moment that nobody has chosen."""

    def test_what_was_acknowledged_is_read(self) -> None:
        """promises#components: with ``queue = true``, whichever of the two is killed."""
        side = Side(temporary_folder(self))
        self.addCleanup(side.stop)
        sender = Sender(side, f"sms@{GATEWAY}")
        sender.load(0.3)
        for round_ in range(KILLS):
            if round_ % 2:
                kill, start = side.kill_server, side.start_server
            else:
                kill, start = side.kill_component, side.start_component
            killing = Timer(random.uniform(0.1, LOAD_S), kill)
            killing.start()
            sender.load(LOAD_S)
            killing.join()
            sender.load(random.uniform(0.0, AWAY_S))
            start()
            sender.load(0.2)
        promised = sender.acknowledged - {id for id in sender.bounced if id is not None}
        found = self.collect(side, promised)
        self.assertEqual(sorted(promised - set(found)), [])
        first = [text for text in dict.fromkeys(found) if text in promised]
        self.assertEqual(first, sorted(first, key=lambda text: int(text[1:])))
        self.assertGreater(len(promised), 20)
        self.report(sender, promised, found)

    def collect(self, side: Side, promised: set[str]) -> list[str]:
        """Give what is read, when all of it is or it takes too long."""
        deadline = time.monotonic() + ARRIVAL_S
        while not promised <= set(side.read()) and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        return side.read()

    def report(self, sender: Sender, promised: set[str], found: list[str]) -> None:
        """Tell who runs the long form."""
        if "XMPPD_TEST_KILLS" in os.environ:
            print(
                f"{KILLS} kills, {len(sender.sent)} sent, {len(promised)} promised, "
                f"{len(promised - set(found))} lost, {len(found) - len(set(found))} twice"
            )
