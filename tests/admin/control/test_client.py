"""The client side of the control socket."""

import json
import os
import socket
import sys
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.control import client
from xmppd.admin.control.client import ControlClient, ServerNotRunning
from xmppd.admin.control.path import socket_path
from xmppd.admin.control.wire import ControlError
from xmppd.admin.rights import User, rights_of


class ConnectTests(SynchronousTestCase):
    """Reaching a server, or saying why not."""

    def setUp(self) -> None:
        """A data folder."""
        self.data_dir = temporary_folder(self)

    def listen(self, path: Path) -> socket.socket:
        """Listen like a server."""
        sock = socket.socket(socket.AF_UNIX)
        self.addCleanup(sock.close)
        sock.bind(str(path))
        sock.listen()
        return sock

    def test_running_server(self) -> None:
        """A socket that is listened on is a running server."""
        self.listen(socket_path(self.data_dir))
        ControlClient.connect(self.data_dir).close()

    def test_nobody_there(self) -> None:
        """No folder, no socket, a dead socket, a file in its place: no server is running."""
        self.assertRaises(ServerNotRunning, ControlClient.connect, self.data_dir / "none")
        self.assertRaises(ServerNotRunning, ControlClient.connect, self.data_dir)
        self.listen(socket_path(self.data_dir)).close()
        self.assertRaises(ServerNotRunning, ControlClient.connect, self.data_dir)
        socket_path(self.data_dir).unlink()
        socket_path(self.data_dir).touch()
        self.assertRaises(ServerNotRunning, ControlClient.connect, self.data_dir)

    def test_closed_folder(self) -> None:
        """Which folder may not be entered, and whose it is; the socket need not be another user's."""
        if os.geteuid() != 0:
            raise SkipTest("only root can act as another user")
        self.listen(socket_path(self.data_dir))
        with rights_of(User.of(65_534)):
            error = self.assertRaises(ControlError, ControlClient.connect, self.data_dir)
        self.assertEqual(error.id, "not-allowed")
        self.assertIn(f"may not enter {self.data_dir} (mode 0700, of root); run xmppctl as", error.message)

    def test_server_that_hangs(self) -> None:
        """Who waits is told that soon, and why it ended in the end."""
        self.patch(client, "PATIENCE_S", 0.01)
        self.patch(client, "ANSWER_TIMEOUT_S", 0.02)
        shown = StringIO()
        self.patch(sys, "stderr", shown)
        self.listen(socket_path(self.data_dir))
        with ControlClient.connect(self.data_dir) as connection:
            error = self.assertRaises(ControlError, connection.call, "status", {})
        self.assertEqual(error.id, "no-answer")
        self.assertRegex(
            shown.getvalue(), r"\Axmppctl: the server has not answered for 0 s; waiting [^\n]*\n\Z"
        )

    def test_short_way_that_others_can_enter(self) -> None:
        """Passwords do not go into a socket whose folder somebody else may have laid."""
        deep = self.data_dir.joinpath(*["d" * 50] * 3)
        deep.mkdir(parents=True)
        path = socket_path(deep)
        path.parent.mkdir(mode=0o777)
        self.addCleanup(path.parent.rmdir)
        path.parent.chmod(0o777)
        error = self.assertRaises(ControlError, ControlClient.connect, deep)
        self.assertEqual(error.id, "not-private")


class CallTests(SynchronousTestCase):
    """Commands and their answers."""

    def setUp(self) -> None:
        """A client whose server is this test."""
        ours, theirs = socket.socketpair(socket.AF_UNIX)
        self.server = theirs
        self.client = ControlClient(ours)
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)

    def answer(self, *lines: Any) -> None:
        """Write answer lines before they are asked for."""
        for line in lines:
            self.server.sendall(json.dumps(line).encode() + b"\n")

    def test_result(self) -> None:
        """The request is one line, the result is what comes back; the connection stays."""
        self.answer({"ok": [1]}, {"ok": [2]})
        self.assertEqual(self.client.call("a", {"x": "y"}), [1])
        self.assertEqual(self.client.call("b", {}), [2])
        sent = [json.loads(line) for line in self.server.recv(9_999).splitlines()]
        self.assertEqual(sent, [{"command": "a", "args": {"x": "y"}}, {"command": "b", "args": {}}])

    def test_progress(self) -> None:
        """Progress is handed on as it comes."""
        self.answer({"progress": 1}, {"progress": 2}, {"ok": None})
        heard: list[Any] = []
        self.assertIsNone(self.client.call("a", {}, heard.append))
        self.assertEqual(heard, [1, 2])

    def test_error(self) -> None:
        """An error is raised with its identifier."""
        self.answer({"error": {"id": "unknown-host", "message": "why"}})
        error = self.assertRaises(ControlError, self.client.call, "a", {})
        self.assertEqual((error.id, str(error)), ("unknown-host", "why"))

    def test_server_ends_in_between(self) -> None:
        """A connection that is closed before the answer is one line."""
        self.server.close()
        self.assertEqual(self.assertRaises(ControlError, self.client.call, "a", {}).id, "hung-up")

    def test_server_ends_after_the_request(self) -> None:
        """The same where half an answer was there."""
        self.server.sendall(b'{"ok": ')
        self.server.shutdown(socket.SHUT_WR)
        self.assertEqual(self.assertRaises(ControlError, self.client.call, "a", {}).id, "hung-up")

    def test_waiting_for_the_end(self) -> None:
        """The end of the process is the end of the connection; a wait has its limit."""
        self.assertFalse(self.client.wait_for_end(0.01))
        self.server.close()
        self.assertTrue(self.client.wait_for_end(1))

    def test_large_answer(self) -> None:
        """An answer may be longer than one read, and than what a request may be."""
        answer = ["x" * 1_000] * 2_000
        writer = Thread(target=self.answer, args=({"ok": answer},))
        writer.start()
        self.assertEqual(self.client.call("a", {}), answer)
        writer.join()
