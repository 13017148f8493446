"""A running server tells that certificates end, each host's by itself."""

from datetime import datetime, timedelta
from typing import cast

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.net.tls.authority import NOW, Authority
from tests.temporary import temporary_folder
from xmppd.core.timers import Timers
from xmppd.core.turns import SPACE_S, Turns
from xmppd.net.tls.certificates import CertificateStore, HostFiles
from xmppd.net.tls.contexts import TLSContexts
from xmppd.net.tls.expiry import PERIOD_S, ExpiryWatch
from xmppd.net.tls.renewal import Renewal
from xmppd.net.tls.self_signed import SELF_MADE_DAYS


class ExpiryTests(SynchronousTestCase):
    """Hours pass on a clock; the calendar goes as it is told."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.clock, self.days = Clock(), 0.0
        self.events: list[LogEvent] = []
        observer = cast(ILogObserver, self.events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def watch(self, *hosts: HostFiles) -> CertificateStore:
        """Begin with *hosts*."""
        store = CertificateStore(hosts, self.now)
        self.by_host: list[tuple[str, str]] = []
        tell = lambda host, line: self.by_host.append((host, line))  # noqa: E731
        timers = Timers(self.clock)
        turns = Turns(timers)
        ExpiryWatch(timers, turns, Renewal(TLSContexts(store), turns), self.now, tell).start()
        return store

    def now(self) -> datetime:
        """The calendar."""
        return NOW + timedelta(days=self.days)

    def told(self, days: float) -> list[str]:
        """Give what is told in the two hours after the day *days*."""
        self.days = days
        self.events.clear()
        for _ in range(2):
            self.clock.pump([PERIOD_S] + [SPACE_S] * 5)
        return [str(event["finding"]) for event in self.events if "finding" in event]

    def test_each_host_by_itself(self) -> None:
        """30, 14, 7 and 1 days before, and at the end: once each."""
        authority = Authority()
        first = authority.write_host(self.folder, "a.example", days=90)
        second = authority.write_host(self.folder, "b.example", days=80)
        self.watch(first, second)
        self.assertEqual(self.told(40), [])
        for days, words in ((51, "within a month"), (67, "two weeks"), (74, "a week"), (79.5, "a day")):
            (line,) = [each for each in self.told(days) if "b.example" in each]
            self.assertIn(words, line)
            self.assertEqual(self.told(days), [])
        (line,) = [each for each in self.told(81) if "b.example" in each]
        self.assertIn("it was valid until", line)
        self.assertIn(("b.example", line), self.by_host)

    def test_what_a_start_has_told(self) -> None:
        """It is not told again."""
        self.watch(Authority().write_host(self.folder, "a.example", days=20))
        self.assertEqual(self.told(1), [])

    def test_self_made(self) -> None:
        """It is renewed without a restart."""
        files = HostFiles("localhost", self.folder / "l.crt", self.folder / "l.key", is_self_made=True)
        store = self.watch(files)
        before = store.find(None)
        self.assertEqual(self.told(SELF_MADE_DAYS - 20), [])
        self.assertGreater(store.find(None).expires_at, before.expires_at)
