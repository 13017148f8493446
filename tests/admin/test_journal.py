"""The log as fields of the journal, with a datagram socket standing in for it."""

import socket

from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from tests.core.test_log import event, failure
from tests.temporary import temporary_folder
from xmppd.admin.journal import CUT_CHARS, as_datagram, as_fields, open_journal
from xmppd.core.log import LogWriter


class FieldTests(SynchronousTestCase):
    """What an event becomes."""

    def test_fields(self) -> None:
        """The sentence, the priority of syslog, and what the event says by name."""
        fields = dict(as_fields(event("Bound as {jid}", stream="f00", peer="::1", jid="a@b/c", size_kb=3)))
        self.assertEqual(
            fields,
            {
                "MESSAGE": "Bound as a@b/c",
                "PRIORITY": "6",
                "SYSLOG_IDENTIFIER": "xmppd",
                "XMPPD_LOGGER": "xmppd.net.streams.c2s",
                "XMPPD_STREAM": "f00",
                "XMPPD_PEER": "::1",
                "XMPPD_JID": "a@b/c",
                "XMPPD_SIZE_KB": "3",
            },
        )

    def test_traceback(self) -> None:
        """It is part of what people read."""
        message = dict(as_fields(event("It broke", log_failure=failure())))["MESSAGE"]
        self.assertTrue(message.startswith("It broke\nTraceback"))
        self.assertIn("ValueError: first", message)

    def test_datagram(self) -> None:
        """A value of several lines has its length in front, so that nobody forges a field."""
        self.assertEqual(
            as_datagram({"A": "b=c", "D": "e\nPRIORITY=0"}),
            b"A=b=c\nD\n\x0c\0\0\0\0\0\0\0e\nPRIORITY=0\n",
        )


class JournalTests(SynchronousTestCase):
    """A writer whose lines go there."""

    def setUp(self) -> None:
        self.path = str(temporary_folder(self) / "journal")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(self.path)
        self.socket.setblocking(False)

    def test_writer(self) -> None:
        """The level holds; a reload to another format goes back to lines."""
        writer = LogWriter("warn", "journald", journal=lambda: open_journal(self.path))
        writer(event("Quiet"))
        writer(event("Loud {host}", level=LogLevel.warn, host="b"))
        self.assertIn(b"MESSAGE=Loud b\n", self.socket.recv(4096))
        folder = temporary_folder(self)
        writer.apply("warn", "line", folder / "log")
        writer(event("Louder", level=LogLevel.warn))
        writer.close()
        self.assertIn("Louder", (folder / "log").read_text())
        self.assertRaises(BlockingIOError, self.socket.recv, 4096)

    def test_too_large(self) -> None:
        """What the socket does not take is cut."""
        write = open_journal(self.path)
        write(event("{it}", it="x" * 10_000_000))
        self.assertIn(b"MESSAGE=" + b"x" * CUT_CHARS + b"\n", self.socket.recv(1_000_000))

    def test_no_journal(self) -> None:
        """That is told where the log is opened, and a writer stays what it was."""
        writer = LogWriter("info", "line", journal=lambda: open_journal(self.path + "x"))
        error = self.assertRaises(OSError, writer.apply, "info", "journald", None)
        self.assertEqual(error.filename, self.path + "x")

    def test_gone(self) -> None:
        """A journal that ends stops nobody's chat."""
        write = open_journal(self.path)
        self.socket.close()
        write(event("Ready"))
