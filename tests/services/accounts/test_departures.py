"""Accounts that are removed with a time of grace."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.accounts.accounts import Accounts, NoSuchAccount
from xmppd.services.accounts.departures import EVERY_S, FIRST_AFTER_S, STORE, Departures, NotDeparting
from xmppd.stanza.jid import JID
from xmppd.testing.server import MemoryServer

ROMEO = JID.parse("romeo@localhost")
GRACE_S = 86_400.0


class DepartureTests(SynchronousTestCase):
    """One account on a server in memory."""

    def setUp(self) -> None:
        self.memory = MemoryServer()
        services = self.memory.server.services
        self.accounts, self.departures = services[Accounts], services[Departures]
        self.successResultOf(self.accounts.create(ROMEO, "x"))
        self.departures.start()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, by steps in which what is due can be done."""
        for _ in range(int(seconds // EVERY_S) + 1):
            self.memory.clock.advance(EVERY_S)

    def departing(self) -> dict[str, float]:
        """Give who departs."""
        found: dict[str, float] = self.successResultOf(self.departures.of_host("localhost"))
        return found

    def test_erased_in_time(self) -> None:
        """Nobody gets in at once; the account with its data goes when the grace is over, and not before."""
        self.successResultOf(self.departures.depart(ROMEO, GRACE_S))
        self.assertTrue(self.accounts.is_disabled(ROMEO.bare))
        self.pass_time(GRACE_S / 2)
        self.assertTrue(self.accounts.exists(ROMEO.bare))
        self.pass_time(GRACE_S)
        self.assertFalse(self.accounts.exists(ROMEO.bare))
        self.assertEqual(self.departing(), {})

    def test_restored(self) -> None:
        """With everything; it stays."""
        self.successResultOf(self.departures.depart(ROMEO, GRACE_S))
        self.successResultOf(self.departures.restore(ROMEO))
        self.assertFalse(self.accounts.is_disabled(ROMEO.bare))
        self.assertEqual(self.departing(), {})
        self.pass_time(2 * GRACE_S)
        self.assertTrue(self.accounts.exists(ROMEO.bare))

    def test_enabled_otherwise(self) -> None:
        """Who lets the owner in again by another way has not wanted it erased."""
        self.successResultOf(self.departures.depart(ROMEO, GRACE_S))
        self.successResultOf(self.accounts.enable(ROMEO))
        self.assertEqual(self.departing(), {})

    def test_removed_meanwhile(self) -> None:
        """The next of that name has nothing to do with it."""
        self.successResultOf(self.departures.depart(ROMEO, GRACE_S))
        self.successResultOf(self.accounts.remove(ROMEO))
        self.successResultOf(self.accounts.create(ROMEO, "y", over_tombstone=True))
        self.successResultOf(self.accounts.disable(ROMEO))
        self.pass_time(2 * GRACE_S)
        self.assertTrue(self.accounts.exists(ROMEO.bare))
        self.assertEqual(self.successResultOf(self.memory.server.storage.owners(STORE)), [])

    def test_who_does_not_depart(self) -> None:
        """There is nothing to restore."""
        self.failureResultOf(self.departures.restore(ROMEO), NotDeparting)
        nobody = JID.parse("nobody@localhost")
        self.failureResultOf(self.departures.restore(nobody), NoSuchAccount)
        self.failureResultOf(self.departures.depart(nobody, 1.0), NoSuchAccount)
        self.assertLess(FIRST_AFTER_S, EVERY_S)
