"""Certificates that are renewed while the server runs."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.config.findings import Finding
from xmppd.core.timers import Timers
from xmppd.core.turns import SPACE_S, StepsTo, Turns
from xmppd.net.tls.certificates import CertificateStore, HostFiles
from xmppd.net.tls.context import TLSSettings
from xmppd.net.tls.contexts import TLSContexts
from xmppd.net.tls.renewal import Renewal
from xmppd.net.tls.self_signed import make_self_signed
from xmppd.net.tls.watch import PERIOD_S, CertificateWatch


def now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


class RenewalAndMore(Renewal):
    """Lets something happen as soon as all is read."""

    def __init__(self, tls: TLSContexts, turns: Turns) -> None:
        super().__init__(tls, turns)
        self.happens: list[Callable[[], None]] = []

    async def __call__(
        self, files: StepsTo[list[HostFiles]] | None = None, settings: Mapping[str, TLSSettings] | None = None
    ) -> list[Finding]:
        """Read, and then let it happen."""
        findings = await super().__call__(files, settings)
        while self.happens:
            self.happens.pop()()
        return findings


class WatchTests(SynchronousTestCase):
    """`CertificateWatch`."""

    def setUp(self) -> None:
        """A host whose certificate lies in a folder, as certbot's: files behind links."""
        self.folder = temporary_folder(self)
        self.live = self.folder / "a.example"
        self.live.mkdir()
        self.issue(1)
        files = HostFiles("a.example", self.live / "fullchain.pem", self.live / "privkey.pem")
        self.store = CertificateStore([files], now)
        self.clock = Clock()
        self.asked = 0

        def wanted() -> StepsTo[list[HostFiles]]:
            self.asked += 1
            yield 1
            return [files]

        timers = Timers(self.clock, seconds=self.clock.seconds)
        turns = Turns(timers)
        self.renewal = RenewalAndMore(TLSContexts(self.store), turns)
        self.watch = CertificateWatch(timers, turns, self.renewal, wanted, lambda: self.folder)
        self.watch.start()

    def issue(self, number: int) -> None:
        """Make a certificate, and let the links lead to it."""
        archive = self.folder / "archive"
        certificate, key = archive / f"fullchain{number}.pem", archive / f"privkey{number}.pem"
        make_self_signed("a.example", certificate, key, now())
        for link, target in ((self.live / "fullchain.pem", certificate), (self.live / "privkey.pem", key)):
            link.unlink(missing_ok=True)
            link.symlink_to(target)

    def pass_time(self, periods: int) -> None:
        """Let the watch look so many times, and take what it finds in turns."""
        for _ in range(periods):
            self.clock.pump([PERIOD_S] + [SPACE_S] * 5)

    def fingerprint(self) -> str:
        """Give that of the certificate in force."""
        return self.store.by_host()["a.example"].fingerprint

    def test_renewed(self) -> None:
        """It is in force at the second look after it was there; not at the first, where it may be half-written."""
        before = self.fingerprint()
        self.pass_time(3)
        self.assertEqual((self.fingerprint(), self.asked), (before, 0))
        self.issue(2)
        self.pass_time(1)
        self.assertEqual((self.fingerprint(), self.asked), (before, 0))
        self.pass_time(1)
        self.assertNotEqual(self.fingerprint(), before)
        self.pass_time(5)
        self.assertEqual(self.asked, 1)

    def test_renewed_while_it_is_read(self) -> None:
        """What changes behind the reading is read again: all of it takes many turns."""
        self.renewal.happens.append(lambda: self.issue(3))
        self.issue(2)
        self.pass_time(2)
        second = self.fingerprint()
        self.pass_time(3)
        self.assertNotEqual(self.fingerprint(), second)
        self.pass_time(5)
        self.assertEqual(self.asked, 2)

    def test_broken(self) -> None:
        """What cannot be read leaves the old one in force, is told once, and is read again when it has changed."""
        before = self.fingerprint()
        (self.folder / "archive" / "fullchain1.pem").write_text("nothing")
        self.pass_time(5)
        self.assertEqual((self.fingerprint(), self.asked), (before, 1))
        self.issue(2)
        self.pass_time(2)
        self.assertNotEqual(self.fingerprint(), before)

    def test_gone(self) -> None:
        """Files that are gone leave what is in force."""
        before = self.fingerprint()
        (self.live / "fullchain.pem").unlink()
        self.pass_time(3)
        self.assertEqual(self.fingerprint(), before)
