"""The log: where lines go, what they look like, and which are worth one.

A line is ``2026-11-21T22:00:00.123Z info xmppd.net.streams.c2s [STREAM PEER] sentence``: time in UTC, level, the
logger's namespace, in brackets the fields ``stream`` and ``peer`` of an event that has them, and the message. A
traceback follows indented. With the format "json" a line is one object: ``time, level, logger, message``, the event's
fields by their names, and ``traceback``. What a peer sent cannot forge a line: control characters are escaped.

Twisted's own lines below "warn" (twistd starting up, factories starting) are written only at the level "debug".
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer

LEVELS = ("debug", "info", "warn", "error", "critical")
"""The least important first; the last one is Twisted's for what nobody has caught."""
STANDARD_OUTPUT = 1

_RANKS = {LogLevel.lookupByName(name): rank for rank, name in enumerate(LEVELS)}
_RANK_OF_DEBUG, _RANK_OF_INFO, _RANK_OF_WARN = 0, 1, 2
_NAMESPACES_OF_TWISTED = ("twisted.", "log_legacy")
_FILE_MODE = 0o640
_NOT_FIELDS = frozenset(
    {"time", "level", "logger", "message", "traceback", "format", "isError", "system", "why"}
)
# C0, DEL, C1 and Unicode's line ends: what a terminal or a reader of lines might act upon
_ESCAPES: dict[int, str] = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPES |= {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@implementer(ILogObserver)
class LogWriter:
    """A log observer that writes to a file, or to a descriptor where there is none.

    Each line is one write. What cannot be written, because the disk is full, is lost: a log stops nobody's chat.
    """

    def __init__(
        self,
        level: str = "info",
        style: str = "line",
        file: Path | None = None,
        *,
        descriptor: int = STANDARD_OUTPUT,
    ) -> None:
        """*level* is one of `LEVELS`, *style* "line" or "json". Raises OSError where *file* cannot be opened."""
        self._standard = descriptor
        self._descriptor = descriptor
        self.apply(level, style, file)

    def apply(self, level: str, style: str, file: Path | None) -> None:
        """Take new settings, and open *file* (again, after it was moved away); OSError leaves all as it was."""
        descriptor = self._standard
        if file is not None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(file, flags, _FILE_MODE)
        self.close()
        self._descriptor = descriptor
        self._rank = LEVELS.index(level)
        self._formatted: Callable[[LogEvent], str] = as_json if style == "json" else as_line

    def close(self) -> None:
        """Close the file; lines go to the descriptor from then on."""
        if self._descriptor != self._standard:
            os.close(self._descriptor)
            self._descriptor = self._standard

    def __call__(self, event: LogEvent) -> None:
        """Write *event* if it is worth it. Any thread may call."""
        rank = _RANKS.get(event.get("log_level"), _RANK_OF_INFO)
        if rank < self._rank or (
            self._rank > _RANK_OF_DEBUG and rank < _RANK_OF_WARN and _is_of_twisted(event)
        ):
            return
        data = memoryview((self._formatted(event) + "\n").encode("utf-8", "backslashreplace"))
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            return


def as_line(event: LogEvent) -> str:
    """Give *event* as a line for people, with its traceback indented below it."""
    failure = _traceback(event)
    line = f"{_time(event)} {_level(event)} {_logger(event)} {_context(event)}{_escape(_message(event))}"
    if failure is None:
        return line
    return "\n    ".join([line, *(_escape(part) for part in failure.rstrip("\n").split("\n"))])


def as_json(event: LogEvent) -> str:
    """Give *event* as one JSON object."""
    shown: dict[str, object] = {
        "time": _time(event),
        "level": _level(event),
        "logger": _logger(event),
        "message": _message(event),
    }
    for name, value in event.items():
        if not name.startswith("log_") and name not in _NOT_FIELDS:
            shown[name] = _plain(value)
    failure = _traceback(event)
    if failure is not None:
        shown["traceback"] = failure
    return json.dumps(shown, separators=(",", ":"))


def _is_of_twisted(event: LogEvent) -> bool:
    return _logger(event).startswith(_NAMESPACES_OF_TWISTED)


def _time(event: LogEvent) -> str:
    moment = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _level(event: LogEvent) -> str:
    return LEVELS[_RANKS.get(event.get("log_level"), _RANK_OF_INFO)]


def _logger(event: LogEvent) -> str:
    return str(event.get("log_namespace", "-"))


def _context(event: LogEvent) -> str:
    shown = " ".join(str(event[name]) for name in ("stream", "peer") if event.get(name))
    return f"[{_escape(shown)}] " if shown else ""


def _message(event: LogEvent) -> str:
    message = formatEvent(event)
    if message or "log_failure" not in event:
        return message
    return str(event.get("why") or "Unhandled error")


def _escape(text: str) -> str:
    return text if text.isprintable() else text.translate(_ESCAPES)


def _traceback(event: LogEvent) -> str | None:
    failure = event.get("log_failure")
    return failure.getTraceback() if isinstance(failure, Failure) else None


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int | float):
        return value
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
