"""What is kept of reports (XEP-0377)."""

import itertools

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.reports import reports as module
from xmppd.services.reports.reports import KeptReport, Report, Reports, word_of
from xmppd.storage.interface import Append, NewEntry, StorageFull
from xmppd.storage.memory import MemoryStorage

HOST = "localhost"
SPAM = "urn:xmpp:reporting:spam"


class ReportsTests(SynchronousTestCase):
    """On a storage in memory."""

    def setUp(self) -> None:
        self.clock, self.storage, numbers = Clock(), MemoryStorage(), itertools.count(1)
        self.reports = Reports(self.storage, self.clock.seconds, lambda size: f"r{next(numbers)}")

    def add(
        self, reporter: str = "juliet@localhost", text: str = "", *messages: str, a_day: int = 9
    ) -> KeptReport | None:
        """Have a report of spam kept."""
        report = Report(reporter, "romeo@example.net/x", SPAM, text, messages)
        return self.successResultOf(self.reports.add(HOST, report, a_day))

    def listed(self, reported: str | None = None) -> list[KeptReport]:
        """Give all."""
        return self.successResultOf(self.reports.listed(HOST, reported))

    def test_kept(self) -> None:
        """It comes back as it was, the newest first, and can be asked for by whom it is about."""
        first, second = self.add(text="once"), self.add(text="again")
        self.assertEqual(self.listed(), [second, first])
        self.assertEqual(self.listed("romeo@example.net"), [second, first])
        self.assertEqual(self.listed("other@example.net"), [])
        assert first is not None
        self.assertEqual(self.successResultOf(self.reports.get(HOST, first.id)), first)
        self.successResultOf(self.reports.remove(HOST, first.id))
        self.assertEqual(self.listed(), [second])
        self.assertIsNone(self.successResultOf(self.reports.get(HOST, first.id)))
        self.assertEqual(self.reports.counts, {(HOST, "spam"): 2})

    def test_messages(self) -> None:
        """Those that it names and the archive has are copied; an archive that goes takes them not along."""
        entry = NewEntry("m1", 0.0, "romeo@example.net", b"<message>buy</message>")
        self.successResultOf(self.storage.commit(Append(ARCHIVE, "juliet@localhost", entry)))
        kept = self.add("juliet@localhost", "", "m1", "m1", "unknown")
        assert kept is not None
        self.assertEqual(kept.stanzas, ("<message>buy</message>",))

    def test_a_day(self) -> None:
        """So many of one account are kept; a day later there are more, and others are not touched."""
        self.assertIsNotNone(self.add(a_day=1))
        self.assertIsNone(self.add(a_day=1))
        self.assertIsNotNone(self.add("nurse@localhost", a_day=1))
        self.clock.advance(module.DAY_S)
        self.assertIsNotNone(self.add(a_day=1))

    def test_bound(self) -> None:
        """Of a host the newest are kept."""
        self.patch(module, "KEPT", 3)
        for number in range(5):
            self.add(text=str(number))
        self.assertEqual([each.report.text for each in self.listed()], ["4", "3", "2"])

    def test_full(self) -> None:
        """What cannot be stored is not kept."""
        self.storage.failing = StorageFull("full")
        report = Report("juliet@localhost", "romeo@example.net", SPAM)
        self.failureResultOf(self.reports.add(HOST, report, 9), StorageFull)

    def test_words(self) -> None:
        """The two reasons of the specification by their word, any other as that."""
        self.assertEqual(word_of("urn:xmpp:reporting:abuse"), "abuse")
        self.assertEqual(word_of("urn:example:boring"), "other")
