r"""What goes over the control socket: JSON texts, each on a line of its own. No I/O, and nothing of Twisted.

A request is ``{"command": "user.add", "args": {…}}``. Its answer is any number of ``{"progress": …}`` lines, then one
``{"ok": result}`` or ``{"error": {"id": "account-exists", "message": "…"}}``. Requests on one connection are answered
in order, one at a time.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from xmppd.core.operations.declaring import Args
from xmppd.core.operations.errors import ENDED as ENDED
from xmppd.core.operations.errors import OperationError

MAX_REQUEST_BYTES = 1_048_576
"""The longest line that the server takes."""
MAX_ANSWER_BYTES = 268_435_456
"""The longest line that the client takes: a list of a few million accounts."""

LEFT_OUT = "left_out"
"""The key of a progress line that says how many others were not sent, since nobody read them."""
Progress = Callable[[object], None]
"""What is called with the JSON-able content of each progress line."""
ControlError = OperationError
"""An operation that was not done, as both ends of the socket know it."""


class Request(NamedTuple):
    """A command with its arguments, which nobody has checked yet."""

    command: str
    args: Args


def encode(kind: str, content: object) -> bytes:
    """Give one answer line: *kind* is ``progress``, ``ok`` or ``error``."""
    return _line({kind: content})


def encode_error(error: ControlError) -> bytes:
    """Give the line that ends an answer without success."""
    return _line({"error": {"id": error.id, "message": error.message}})


def encode_request(command: str, args: Args) -> bytes:
    """Give the line of a request."""
    return _line({"command": command, "args": args})


def decode_request(line: bytes) -> Request:
    """Read a request; `ControlError` ``bad-request`` where it is none."""
    request = _decode(line)
    if not isinstance(request, dict):
        raise ControlError("bad-request", "a request is a JSON object on one line")
    command, args = request.get("command"), request.get("args", {})
    if not isinstance(command, str) or not isinstance(args, dict):
        raise ControlError("bad-request", 'a request is {"command": TEXT, "args": OBJECT}')
    return Request(command, args)


def decode_answer(line: bytes) -> tuple[str, Any]:
    """Read an answer line as (kind, content); `ControlError` ``bad-answer`` where it is none."""
    answer = _decode(line)
    if isinstance(answer, dict):
        for kind in ("progress", "ok", "error"):
            if kind in answer:
                return kind, answer[kind]
    raise ControlError("bad-answer", "the server gave an answer that cannot be read; is it another version?")


def error_of(content: object) -> ControlError:
    """Give the error that the content of an ``error`` line describes."""
    content = content if isinstance(content, dict) else {}
    return ControlError(
        str(content.get("id", "error")), str(content.get("message", "the command has failed"))
    )


def _line(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _decode(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
