"""The log: where lines go, what they look like, and which are worth one.

A line is ``2026-11-21T22:00:00.123Z info xmppd.net.streams.c2s [STREAM PEER] sentence``: time in UTC, level, the
logger's namespace, in brackets the fields ``stream`` and ``peer`` of an event that has them, and the message. A
traceback follows indented. With the format "json" a line is one object: ``time, level, logger, message``, the event's
fields by their names, and ``traceback``; with "journald" all of that are fields of the journal. What a peer sent
cannot forge a line: control characters are escaped.

Twisted's own lines below "warn" (twistd starting up, factories starting) are written only at the level "debug".
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer

LEVELS = ("debug", "info", "warn", "error", "critical")
"""The least important first; the last one is Twisted's for what nobody has caught."""
STANDARD_OUTPUT = 1

Hears = Callable[[str], bool]
"""Whether anybody hears lines of one of `LEVELS`. One that nobody hears costs some microseconds: who has one for each
login asks first."""

_RANKS_BY_NAME = {name: rank for rank, name in enumerate(LEVELS)}
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
        journal: Callable[[], Callable[[LogEvent], None]] | None = None,
    ) -> None:
        """*level* is one of `LEVELS`, *style* "line", "json" or, where *journal* opens one, "journald".

        Raises OSError where *file* or the journal cannot be opened.
        """
        self._standard = descriptor
        self._descriptor = descriptor
        self._open_journal = journal
        self._followers = 0
        self._to_journal: Callable[[LogEvent], None] | None = None
        self.apply(level, style, file)

    def apply(self, level: str, style: str, file: Path | None) -> None:
        """Take new settings, and open *file* (again, after it was moved away); OSError leaves all as it was."""
        descriptor, to_journal = self._standard, None
        if style == "journald" and self._open_journal is not None:
            to_journal = self._to_journal or self._open_journal()
        elif file is not None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(file, flags, _FILE_MODE)
        self.close()
        self._descriptor, self._to_journal = descriptor, to_journal
        self._rank = LEVELS.index(level)
        self._formatted: Callable[[LogEvent], str] = as_json if style == "json" else as_line

    @property
    def level(self) -> str:
        """The least important level that is written."""
        return LEVELS[self._rank]

    @level.setter
    def level(self, level: str) -> None:
        self._rank = LEVELS.index(level)

    def hears(self, level: str) -> bool:
        """Whether lines of *level* are written, or followed by somebody else, who may want all."""
        return _RANKS_BY_NAME[level] >= self._rank or self._followers > 0

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Have all lines made meanwhile, whatever is written: somebody observes them besides."""
        self._followers += 1
        try:
            yield
        finally:
            self._followers -= 1

    def close(self) -> None:
        """Close the file; lines go to the descriptor from then on."""
        if self._descriptor != self._standard:
            os.close(self._descriptor)
            self._descriptor = self._standard

    def __call__(self, event: LogEvent) -> None:
        """Write *event* if it is worth it. Any thread may call."""
        rank = _RANKS.get(event.get("log_level"), _RANK_OF_INFO)
        if rank < self._rank or (
            self._rank > _RANK_OF_DEBUG and rank < _RANK_OF_WARN and is_of_twisted(event)
        ):
            return
        if self._to_journal is not None:
            self._to_journal(event)
            return
        data = memoryview((self._formatted(event) + "\n").encode("utf-8", "backslashreplace"))
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            return


def as_line(event: LogEvent) -> str:
    """Give *event* as a line for people, with its traceback indented below it."""
    failure = traceback_of(event)
    line = (
        f"{_time(event)} {level_of(event)} {logger_of(event)} {_context(event)}{_escape(message_of(event))}"
    )
    if failure is None:
        return line
    return "\n    ".join([line, *(_escape(part) for part in failure.rstrip("\n").split("\n"))])


def as_json(event: LogEvent) -> str:
    """Give *event* as one JSON object."""
    shown: dict[str, object] = {
        "time": _time(event),
        "level": level_of(event),
        "logger": logger_of(event),
        "message": message_of(event),
    }
    shown.update(fields_of(event))
    failure = traceback_of(event)
    if failure is not None:
        shown["traceback"] = failure
    return json.dumps(shown, separators=(",", ":"))


def is_of_twisted(event: LogEvent) -> bool:
    """Whether Twisted says it, and no one of ours."""
    return logger_of(event).startswith(_NAMESPACES_OF_TWISTED)


def _time(event: LogEvent) -> str:
    moment = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def fields_of(event: LogEvent) -> Iterator[tuple[str, object]]:
    """Give what an event says by name, such as the stream, the peer and the host."""
    for name, value in event.items():
        if not name.startswith("log_") and name not in _NOT_FIELDS:
            yield name, _plain(value)


def level_of(event: LogEvent) -> str:
    """Give the level, one of `LEVELS`."""
    return LEVELS[_RANKS.get(event.get("log_level"), _RANK_OF_INFO)]


def logger_of(event: LogEvent) -> str:
    """Give the namespace of who says it."""
    return str(event.get("log_namespace", "-"))


def _context(event: LogEvent) -> str:
    shown = " ".join(str(event[name]) for name in ("stream", "peer") if event.get(name))
    return f"[{_escape(shown)}] " if shown else ""


def message_of(event: LogEvent) -> str:
    """Give the sentence."""
    message = formatEvent(event)
    if message or "log_failure" not in event:
        return message
    return str(event.get("why") or "Unhandled error")


def _escape(text: str) -> str:
    return text if text.isprintable() else text.translate(_ESCAPES)


def traceback_of(event: LogEvent) -> str | None:
    """Give the traceback of a failure; None where there is none."""
    failure = event.get("log_failure")
    return failure.getTraceback() if isinstance(failure, Failure) else None


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int | float):
        return value
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
