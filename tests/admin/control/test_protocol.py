"""The server's side of the control socket."""

import json
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.control.protocol import MAX_CONNECTIONS, ControlFactory, ControlProtocol
from xmppd.admin.control.wire import MAX_REQUEST_BYTES, ControlError, Progress, encode_request


class Recorder:
    """Runs no command; keeps what it was asked, and answers as the test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.answers: list[Deferred[Any]] = []
        self.progress: list[Progress] = []
        self.endless: set[str] = set()

    def is_endless(self, name: str) -> bool:
        """Say what the test says."""
        return name in self.endless

    def run(self, name: str, args: Mapping[str, Any], progress: Progress) -> Deferred[Any]:
        """Answer with the next of `answers`, or with the name of the command."""
        self.asked.append((name, args))
        self.progress.append(progress)
        return self.answers.pop(0) if self.answers else succeed(name)


class ProtocolTests(SynchronousTestCase):
    """Requests in, answers out."""

    def setUp(self) -> None:
        """A connected protocol."""
        self.runner = Recorder()
        self.factory = ControlFactory(self.runner)
        self.transport, self.protocol = self.connect()

    def connect(self) -> tuple[StringTransport, ControlProtocol]:
        """Make one more connection."""
        protocol = self.factory.buildProtocol(None)
        assert protocol is not None
        transport = StringTransport()
        protocol.makeConnection(transport)  # type: ignore[no-untyped-call]  # Twisted's
        return transport, protocol

    def written(self) -> list[Any]:
        """Give the lines that were written, read as JSON."""
        lines = [json.loads(line) for line in self.transport.value().splitlines()]
        self.transport.clear()
        return lines

    def test_request_and_result(self) -> None:
        """A command's result is one line."""
        self.protocol.dataReceived(encode_request("status", {"a": 1}))
        self.assertEqual(self.runner.asked, [("status", {"a": 1})])
        self.assertEqual(self.written(), [{"ok": "status"}])

    def watch(self) -> Deferred[Any]:
        """Begin a command without an end."""
        self.runner.endless.add("watch")
        endless: Deferred[Any] = Deferred()
        self.runner.answers.append(endless)
        endless.addErrback(lambda failure: fail(ControlError("ended", "it has ended")))
        self.protocol.dataReceived(encode_request("watch", {}))
        return endless

    def test_endless(self) -> None:
        """A command without an end tells until the administrator says anything more, which is then done."""
        self.watch()
        self.runner.progress[-1]({"a": 1})
        self.assertEqual(self.written(), [{"progress": {"a": 1}}])
        self.protocol.dataReceived(encode_request("status", {}))
        self.assertEqual([next(iter(each)) for each in self.written()], ["error", "ok"])

    def test_endless_and_gone(self) -> None:
        """It ends with its connection."""
        self.watch()
        self.protocol.connectionLost()
        self.assertEqual((self.protocol._endless, self.factory.connections), (None, set()))

    def test_who_does_not_read(self) -> None:
        """What comes meanwhile is left out; how much is told."""
        self.watch()
        self.assertIs(self.transport.producer, self.protocol)
        self.protocol.pauseProducing()
        for number in range(3):
            self.runner.progress[-1](number)
        self.assertEqual(self.written(), [])
        self.protocol.resumeProducing()
        self.runner.progress[-1](3)
        self.assertEqual(self.written(), [{"progress": {"left_out": 3}}, {"progress": 3}])

    def test_error(self) -> None:
        """An error has its id and its line."""
        self.runner.answers.append(fail(ControlError("unknown-host", "x is not served")))
        self.protocol.dataReceived(encode_request("user.list", {}))
        self.assertEqual(self.written(), [{"error": {"id": "unknown-host", "message": "x is not served"}}])

    def test_progress_before_the_result(self) -> None:
        """What a command says of its progress comes before its end."""
        answer: Deferred[Any] = Deferred()
        self.runner.answers.append(answer)
        self.protocol.dataReceived(encode_request("user.import", {}))
        self.runner.progress[0](25)
        answer.callback(30)
        self.assertEqual(self.written(), [{"progress": 25}, {"ok": 30}])

    def test_any_split_of_the_bytes(self) -> None:
        """Lines may come in any pieces."""
        for byte in encode_request("one", {}) + encode_request("two", {}):
            self.protocol.dataReceived(bytes([byte]))
        self.assertEqual(self.written(), [{"ok": "one"}, {"ok": "two"}])

    def test_one_at_a_time_and_in_order(self) -> None:
        """While a command runs, the next waits and nothing is read."""
        answer: Deferred[Any] = Deferred()
        self.runner.answers.append(answer)
        self.protocol.dataReceived(encode_request("slow", {}) + encode_request("quick", {}))
        self.assertEqual(len(self.runner.asked), 1)
        self.assertEqual(self.transport.producerState, "paused")
        answer.callback("done")
        self.assertEqual(self.written(), [{"ok": "done"}, {"ok": "quick"}])
        self.assertEqual(self.transport.producerState, "producing")

    def test_many_short_commands_at_once(self) -> None:
        """Thousands of requests in one piece do not nest."""
        self.protocol.dataReceived(encode_request("x", {}) * 5_000)
        self.assertEqual(len(self.written()), 5_000)

    def test_what_is_no_request(self) -> None:
        """It is refused, and the connection goes on."""
        self.protocol.dataReceived(b"hello\n" + encode_request("status", {}))
        refused, answered = self.written()
        self.assertEqual(refused["error"]["id"], "bad-request")
        self.assertEqual(answered, {"ok": "status"})

    def test_line_too_long(self) -> None:
        """A line without end is not kept: the connection is closed."""
        self.protocol.dataReceived(b"x" * MAX_REQUEST_BYTES)
        self.assertFalse(self.transport.disconnecting)
        self.protocol.dataReceived(b"xx")
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual(self.written()[0]["error"]["id"], "bad-request")
        self.protocol.dataReceived(encode_request("status", {}))
        self.assertEqual(self.runner.asked, [])

    def test_client_gone_while_a_command_runs(self) -> None:
        """The command goes on; nothing is written."""
        answer: Deferred[Any] = Deferred()
        self.runner.answers.append(answer)
        self.protocol.dataReceived(encode_request("slow", {}))
        self.protocol.connectionLost()
        self.runner.progress[0](1)
        answer.callback("done")
        self.assertEqual(self.written(), [])

    def test_bug_in_an_answer(self) -> None:
        """What cannot be written as JSON is logged, and the server lives."""
        self.runner.answers.append(succeed(object()))
        self.protocol.dataReceived(encode_request("status", {}))
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertEqual(self.written()[0]["error"]["id"], "internal-error")

    def test_connections_are_bounded(self) -> None:
        """The 65th connection is closed at once; one that ends makes room."""
        others = [self.connect() for _ in range(MAX_CONNECTIONS - 1)]
        self.assertIsNone(self.factory.buildProtocol(None))
        others[0][1].connectionLost()
        self.assertIsNotNone(self.factory.buildProtocol(None))
