"""Why a certificate is not believed."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.streams.s2s.distrust import distrust
from xmppd.net.tls.dane import Pinned
from xmppd.net.tls.peers import Shown

DOMAIN = "verona.example"
NOW = 1_000_000_000.0


class DistrustTests(SynchronousTestCase):
    """One line each."""

    def of(self, shown: Shown | None, pinned: Pinned | None = None) -> str:
        """Say it."""
        return distrust(DOMAIN, shown, pinned, NOW)

    def test_each(self) -> None:
        """None, one that is over, one of nobody's, one for others, one that DNS does not know."""
        self.assertEqual(self.of(None), "verona.example has shown no certificate")
        over = Shown((DOMAIN,), is_trusted=False, expires_at=NOW - 1)
        self.assertEqual(self.of(over), "The certificate of verona.example is out of date since 2001-09-09")
        unknown = Shown((DOMAIN,), is_trusted=False, expires_at=NOW + 1)
        self.assertEqual(
            self.of(unknown), "The certificate of verona.example is issued by nobody who is believed"
        )
        others = Shown(("a", "b", "c", "d"), is_trusted=True, expires_at=NOW + 1)
        self.assertEqual(self.of(others), "The certificate of verona.example is for a, b, c")
        self.assertEqual(
            self.of(unknown, Pinned(DOMAIN, "xmpp.example", ())),
            "The certificate of verona.example is not what DNS says (TLSA of xmpp.example)",
        )
