"""The lines of the control socket."""

import json

from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.control.wire import (
    ControlError,
    Request,
    decode_answer,
    decode_request,
    encode,
    encode_error,
    encode_request,
    error_of,
)


class WireTests(SynchronousTestCase):
    """Each kind of line, there and back."""

    def test_request(self) -> None:
        """A request is one line of JSON, whatever its arguments hold."""
        line = encode_request("user.add", {"jid": "a@b", "password": "one\ntwo\u2028\x00"})
        self.assertEqual(line.count(b"\n"), 1)
        request = decode_request(line[:-1])
        self.assertEqual(request, Request("user.add", {"jid": "a@b", "password": "one\ntwo\u2028\x00"}))

    def test_args_may_be_missing(self) -> None:
        """A command without arguments needs none on the wire."""
        self.assertEqual(decode_request(b'{"command": "status"}'), Request("status", {}))

    def test_answers(self) -> None:
        """Progress, result and error are told apart."""
        self.assertEqual(decode_answer(encode("progress", 3)), ("progress", 3))
        self.assertEqual(decode_answer(encode("ok", None)), ("ok", None))
        kind, content = decode_answer(encode_error(ControlError("unknown-host", "why")))
        self.assertEqual(
            (kind, error_of(content).id, str(error_of(content))), ("error", "unknown-host", "why")
        )

    def test_what_is_no_request(self) -> None:
        """Anything else is refused with one line, however deep or broken it is."""
        for line in (
            b"",
            b"x",
            b"[]",
            b"{}",
            b'{"command": 1}',
            b'{"command": "a", "args": []}',
            b"\xff",
            b"[" * 99_999,
        ):
            error = self.assertRaises(ControlError, decode_request, line)
            self.assertEqual(error.id, "bad-request")

    def test_what_is_no_answer(self) -> None:
        """The client does not believe everything either."""
        for line in (b"", b"[]", b'{"done": 1}', json.dumps("ok").encode()):
            self.assertEqual(self.assertRaises(ControlError, decode_answer, line).id, "bad-answer")
        self.assertEqual(error_of(None).id, "error")
