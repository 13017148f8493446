"""The log as journald takes it natively: fields by their names, so that ``journalctl XMPPD_HOST=NAME`` finds them.

The protocol is a datagram with ``NAME=value`` lines; a value of several lines has its length in front (systemd's
"Native Journal Protocol"). A datagram that is too large is cut down to what people read.
"""

import os
import socket
from collections.abc import Callable, Iterator
from typing import Final

from twisted.logger import LogEvent

from xmppd.core.log import fields_of, level_of, logger_of, message_of, traceback_of

SOCKET: Final = "/run/systemd/journal/socket"
IDENTIFIER: Final = "xmppd"
PRIORITIES: Final = {"debug": 7, "info": 6, "warn": 4, "error": 3, "critical": 2}
"""Of syslog(3)."""
NAME_CHARS: Final = 64
CUT_CHARS: Final = 8_000
_LENGTH_BYTES: Final = 8


def open_journal(path: str = SOCKET) -> Callable[[LogEvent], None]:
    """Give what writes an event to the journal, from any thread; OSError where there is none."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.connect(path)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, os.strerror(error.errno or 0), path) from error

    def write(event: LogEvent) -> None:
        fields = dict(as_fields(event))
        try:
            sock.send(as_datagram(fields))
        except OSError:  # too large, mostly
            short = {
                name: value[:CUT_CHARS] for name, value in fields.items() if not name.startswith("XMPPD_")
            }
            try:
                sock.send(as_datagram(short))
            except OSError:
                return  # a log stops nobody's chat

    return write


def as_fields(event: LogEvent) -> Iterator[tuple[str, str]]:
    """Give the fields of an event, the journal's own first; a traceback is part of the message."""
    traceback = traceback_of(event)
    message = message_of(event)
    yield "MESSAGE", message if traceback is None else f"{message}\n{traceback.rstrip()}"
    yield "PRIORITY", str(PRIORITIES[level_of(event)])
    yield "SYSLOG_IDENTIFIER", IDENTIFIER
    yield "XMPPD_LOGGER", logger_of(event)
    for name, value in fields_of(event):
        yield f"XMPPD_{_name(name)}"[:NAME_CHARS], str(value)


def as_datagram(fields: dict[str, str]) -> bytes:
    """Give the fields as they are sent."""
    return b"".join(map(_field, fields.items()))


def _field(field: tuple[str, str]) -> bytes:
    name, value = field[0].encode(), field[1].encode("utf-8", "backslashreplace")
    if b"\n" not in value:
        return b"%b=%b\n" % (name, value)
    return b"%b\n%b%b\n" % (name, len(value).to_bytes(_LENGTH_BYTES, "little"), value)


def _name(name: str) -> str:
    """As the journal wants names: upper-case letters of ASCII, digits, "_"."""
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in name).upper()
