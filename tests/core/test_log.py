"""Lines of the log."""

import json
import os
from pathlib import Path

from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.temporary import temporary_folder
from xmppd.core.log import LEVELS, LogWriter, as_json, as_line

TIME = 1_795_298_400.1234


def event(text: str = "Stream opened", level: LogLevel = LogLevel.info, **fields: object) -> LogEvent:
    """Give an event as a `Logger` makes it."""
    namespace = fields.pop("namespace", "xmppd.net.streams.c2s")
    return {"log_time": TIME, "log_level": level, "log_namespace": namespace, "log_format": text, **fields}


def failure() -> Failure:
    """Give one with a traceback."""
    try:
        raise ValueError("first\nsecond\x1b[0m")
    except ValueError:
        return Failure()


class LineTests(SynchronousTestCase):
    """``format = "line"``."""

    def test_line(self) -> None:
        """Time, level, logger, stream and peer, sentence."""
        line = as_line(event("Bound as {jid}", stream="f00", peer="127.0.0.1", jid="a@b/c"))
        self.assertEqual(
            line, "2026-11-21T22:00:00.123Z info xmppd.net.streams.c2s [f00 127.0.0.1] Bound as a@b/c"
        )

    def test_without_a_session(self) -> None:
        """The brackets are there for lines of a session only; a stream may not have begun."""
        self.assertEqual(as_line(event("Ready")), "2026-11-21T22:00:00.123Z info xmppd.net.streams.c2s Ready")
        self.assertIn(" [10.0.0.1] Lost", as_line(event("Lost", peer="10.0.0.1", stream="")))

    def test_a_peer_forges_no_line(self) -> None:
        """Line ends, escape sequences and the like that came from outside are made visible."""
        line = as_line(event("User {name}", name="a\nb\r\x1b[31m\x85\u2028ü"))
        self.assertTrue(line.endswith("User a\\nb\\r\\x1b[31m\\x85\\u2028ü"))
        self.assertEqual(len(line.splitlines()), 1)
        self.assertIn("[f\\n00] ", as_line(event(stream="f\n00")))

    def test_traceback_is_indented(self) -> None:
        """A line that starts in the first column starts an event."""
        first, *rest = as_line(event("It broke", LogLevel.critical, log_failure=failure())).split("\n")
        self.assertTrue(first.endswith("critical xmppd.net.streams.c2s It broke"))
        self.assertTrue(all(line.startswith("    ") for line in rest))
        self.assertIn("    builtins.ValueError: first", rest)
        self.assertNotIn("\x1b", "".join(rest))

    def test_failure_of_a_deferred_that_nobody_awaits(self) -> None:
        """Twisted's older events have no format."""
        line = as_line({"log_time": TIME, "log_failure": failure(), "log_level": LogLevel.critical})
        self.assertIn("critical - Unhandled error\n    Traceback", line)


class JSONTests(SynchronousTestCase):
    """``format = "json"``."""

    def test_object(self) -> None:
        """The event's own fields stand beside the four that each has; what is no JSON is told in words."""
        shown = json.loads(
            as_json(event("Bound", stream="f00", count=3, jid=Path("/x"), name=b"\xff", time=1))
        )
        self.assertEqual(
            shown,
            {
                "time": "2026-11-21T22:00:00.123Z",
                "level": "info",
                "logger": "xmppd.net.streams.c2s",
                "message": "Bound",
                "stream": "f00",
                "count": 3,
                "jid": "/x",
                "name": "\\xff",
            },
        )

    def test_traceback(self) -> None:
        """One object is one line, traceback and all."""
        text = as_json(event("It broke", LogLevel.critical, log_failure=failure()))
        self.assertNotIn("\n", text)
        self.assertIn("ValueError: first\nsecond", json.loads(text)["traceback"])


class WriterTests(SynchronousTestCase):
    """Which lines are written, and where."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.file = self.folder / "xmppd.log"

    def writer(self, level: str = "info", style: str = "line") -> LogWriter:
        """Give one that writes to the file."""
        writer = LogWriter(level, style, self.file)
        self.addCleanup(writer.close)
        return writer

    def written(self) -> list[str]:
        """Give the sentences in the file."""
        return [line.split(" ", 3)[3] for line in self.file.read_text().splitlines()]

    def test_levels(self) -> None:
        """What is less important than the level is not written; the level may change at any time."""
        writer = self.writer("warn")
        log = Logger("xmppd.test", observer=writer)
        log.info("one")
        log.warn("two")
        writer.apply("debug", "line", self.file)
        log.debug("three")
        self.assertEqual(self.written(), ["two", "three"])
        verifyObject(ILogObserver, writer)

    def test_who_hears(self) -> None:
        """What is written is heard, and all that somebody follows."""
        writer = self.writer("warn")

        def heard() -> list[str]:
            return [level for level in LEVELS if writer.hears(level)]

        self.assertEqual(heard(), ["warn", "error", "critical"])
        with writer.followed():
            with writer.followed():
                self.assertEqual(heard(), list(LEVELS))
            self.assertEqual(heard(), list(LEVELS))
        self.assertEqual(heard(), ["warn", "error", "critical"])
        writer.level = "info"
        self.assertEqual(heard(), ["info", "warn", "error", "critical"])

    def test_twisteds_own_lines(self) -> None:
        """twistd's and its factories' lines tell an operator nothing, but their warnings do."""
        writer = self.writer()
        for namespace in ("twisted.application.app.AppLogger", "log_legacy"):
            writer(event("noise", namespace=namespace))
            writer(event("trouble", LogLevel.warn, namespace=namespace))
        writer.apply("debug", "line", self.file)
        writer(event("of interest now", namespace="twisted.internet.protocol.Factory"))
        self.assertEqual(self.written(), ["trouble", "trouble", "of interest now"])

    def test_file_is_opened_again(self) -> None:
        """After logrotate has moved the file away, SIGHUP begins a new one."""
        writer = self.writer()
        writer(event("old"))
        self.file.rename(self.folder / "xmppd.log.1")
        writer.apply("info", "line", self.file)
        writer(event("new"))
        self.assertEqual(self.written(), ["new"])
        self.assertEqual(self.file.stat().st_mode & 0o007, 0)

    def test_file_that_cannot_be_opened(self) -> None:
        """A mistake in new settings leaves the old ones."""
        writer = self.writer()
        self.assertRaises(OSError, writer.apply, "debug", "json", self.folder / "none" / "xmppd.log")
        writer(event("one"))
        writer(event("two", LogLevel.debug))
        self.assertEqual(self.written(), ["one"])
        self.assertRaises(OSError, LogWriter, "info", "line", self.folder)

    def test_descriptor(self) -> None:
        """Without a file lines go to standard output, whatever sys.stdout is at the time."""
        reader, writing = os.pipe()
        self.addCleanup(os.close, reader)
        LogWriter("info", "json", descriptor=writing)(event("piped"))
        os.close(writing)
        self.assertEqual(json.loads(os.read(reader, 1000))["message"], "piped")

    def test_what_cannot_be_written_is_lost(self) -> None:
        """A full disk, or a reader of our output that has gone, stops nobody."""
        reader, writing = os.pipe()
        self.addCleanup(os.close, writing)
        os.close(reader)
        LogWriter(descriptor=writing)(event())
