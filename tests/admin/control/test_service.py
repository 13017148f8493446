"""The control socket for real: listened on by the server, reached by the client."""

import os
import socket
import stat
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.admin.control.bench import ControlBench
from tests.temporary import temporary_folder
from xmppd.admin.control.client import ControlClient, ServerNotRunning
from xmppd.admin.control.path import socket_path
from xmppd.admin.control.service import Control
from xmppd.admin.control.wire import ControlError


class ServiceTests(TestCase):
    """`Control`, with a UNIX socket."""

    timeout = 10

    def setUp(self) -> None:
        """A data folder."""
        self.data_dir = temporary_folder(self)
        self.bench = ControlBench()

    def start(self, data_dir: Path | None = None) -> Control:
        """Start the service on a data folder; it is stopped with the test."""
        folder = data_dir or self.data_dir
        control = Control(reactor, self.bench.commands, folder)  # type: ignore[arg-type]  # the module's reactor has no static type
        control.startService()
        self.addCleanup(control.stopService)
        return control

    def call(self, command: str, **args: Any) -> "Deferred[Any]":
        """Do a command as xmppctl does, blocking, in a thread."""

        def blocking() -> Any:
            with ControlClient.connect(self.data_dir) as client:
                return client.call(command, args)

        return deferToThread(blocking)

    async def test_command(self) -> None:
        """A command goes there and its result comes back."""
        self.start()
        status = await self.call("status")
        self.assertEqual(status["pid"], os.getpid())

    async def test_error(self) -> None:
        """So does a refusal."""
        self.start()
        refused = await self.assertFailure(self.call("session.kick", jid="a@nowhere.example"), ControlError)
        self.assertEqual(refused.id, "unknown-host")

    async def test_private(self) -> None:
        """Only the owner may connect."""
        control = self.start()
        mode = control.path.stat().st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    async def test_umask_as_before(self) -> None:
        """Listening leaves the process's umask as it was."""
        before = os.umask(0o022)
        self.addCleanup(os.umask, before)
        self.start()
        self.assertEqual(os.umask(0o022), 0o022)

    async def test_dead_socket(self) -> None:
        """What a killed server left behind is taken away: the data lock is ours."""
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(socket_path(self.data_dir)))
        self.start()
        await self.call("status")

    async def test_stop(self) -> None:
        """Afterwards there is no socket, and no server."""
        control = self.start()
        stopped = control.stopService()
        assert stopped is not None
        await stopped
        self.assertFalse(control.path.exists())
        await self.assertFailure(self.call("status"), ServerNotRunning)

    async def test_deep_data_folder(self) -> None:
        """Where the path would be too long, both meet below /tmp, in a folder of their own."""
        self.data_dir = self.data_dir.joinpath(*["d" * 50] * 3)
        self.data_dir.mkdir(parents=True)
        control = self.start(self.data_dir)
        self.addCleanup(control.path.parent.rmdir)
        self.assertEqual(stat.S_IMODE(control.path.parent.stat().st_mode), 0o700)
        await self.call("status")
        stopped = control.stopService()
        assert stopped is not None
        await stopped

    async def test_cannot_listen(self) -> None:
        """A server without its control socket still serves: the reason is in the log, nothing is raised."""
        (self.data_dir / "control.sock").mkdir()
        self.start()
        await self.assertFailure(self.call("status"), ServerNotRunning, ControlError)
