"""How much waits for each account: what is kept in memory of it."""

from twisted.trial.unittest import SynchronousTestCase

from tests.memory import now
from xmppd.services import tallies
from xmppd.services.offline.usage import Tallies
from xmppd.storage.memory import MemoryStorage


class TalliesTests(SynchronousTestCase):
    """`Tallies`."""

    def test_bound(self) -> None:
        """The tallies of so many accounts are kept; those of the others are counted anew."""
        self.patch(tallies, "REMEMBERED", 3)
        service = Tallies(MemoryStorage(), "offline", lambda: 0.0)
        for number in range(5):
            now(service.load(f"u{number}@localhost"))
        self.assertEqual(len(service._known), 3)
        self.assertIsNone(service.get("u0@localhost"))
        self.assertIsNotNone(service.get("u4@localhost"))
